"""The user's options, and the format of the log."""
