"""Curves over many trainings: how small a network may be, and how much of what it learns should be the expert's."""
