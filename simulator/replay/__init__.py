"""A recording as a world that can be driven."""
