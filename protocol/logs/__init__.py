"""Reads what others recorded: where the log and the images lie, the words of its header, and one line of any log."""
