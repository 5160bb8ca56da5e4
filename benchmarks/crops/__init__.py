"""Reading decoded images that are not in memory."""
