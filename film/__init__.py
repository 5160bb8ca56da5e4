"""Makes films of drives and recordings: the overlay, the encoders, the encoder's process and the command line."""
