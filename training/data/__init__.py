"""Recordings to batches: which rows train, what is drawn of them, how images are varied."""
