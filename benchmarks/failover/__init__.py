"""What simulators lose when one of two servers behind nginx ends."""
