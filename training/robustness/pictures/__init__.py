"""What corruptions do to a picture; each function takes a frame, an amount, and the moment of the drive."""
