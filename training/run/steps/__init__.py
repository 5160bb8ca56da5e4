"""A training step, compiled by each of Keras' backends."""
