"""One telemetry in, one reply out: the loop of a frame, the simulators' sessions, and the metrics."""
