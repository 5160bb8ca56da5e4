"""One telemetry in, one reply out: the loop of a frame, its sessions, and the figures counted of it."""
