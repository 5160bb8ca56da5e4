"""The layers that a file may use: their settings, limits, weights and constructors."""
