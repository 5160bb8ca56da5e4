"""Recordings as worlds to drive in, and reports of how steering agrees with the driver's."""
