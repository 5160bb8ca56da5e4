"""A search over recipes: trainings with different values are judged by driving, and the worse half stops early."""
