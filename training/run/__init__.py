"""This package runs one training: recipe, phases, run folder, curves and model card."""
