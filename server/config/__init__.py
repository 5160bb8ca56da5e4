"""What the user asked for, and how the log looks."""
