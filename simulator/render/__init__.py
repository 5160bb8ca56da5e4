"""The cameras' pictures."""
