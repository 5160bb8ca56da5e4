"""Tracks, the car, and what happens on them."""
