"""This package turns recordings into batches: it splits and draws rows, and augments their images."""
