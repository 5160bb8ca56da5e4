"""Films of drives and recordings: the overlay, the encoder, the process that does it beside a drive, the command."""
