"""Finds which pixels a stranger's model wants, by trying them on a recording and comparing with its driver."""
