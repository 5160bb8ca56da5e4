"""The model that drives: its place, its file, what is known of it."""
