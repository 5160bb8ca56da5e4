"""What is notified after each reply: recordings, recent frames, the live view, a second model."""
