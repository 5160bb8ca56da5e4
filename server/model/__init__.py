"""The model that drives: the slot it occupies, the watch on its file, and its facts."""
