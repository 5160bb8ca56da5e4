"""Networks that a compiler prepares for a GPU, a program for each size of a batch."""
