"""The observers of a drive: recordings, recent frames, the live view, the film and a second model."""
