"""The tests, one module for each module they test."""
