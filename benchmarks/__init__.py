"""What the README's numbers come from: each benchmark runs both sides in one run and prints their ratio."""
