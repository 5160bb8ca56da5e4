"""The study's own steering experiment, repeated as it was published, and what its figures mean."""
