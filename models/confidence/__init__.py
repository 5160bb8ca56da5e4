"""A network's second output: how much a frame is like those that it learned."""
