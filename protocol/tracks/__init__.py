"""What all sides know of the built-in tracks."""
