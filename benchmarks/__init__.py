"""What docs/benchmarks.md's figures come from: each benchmark runs both sides in one run and prints their ratio."""
