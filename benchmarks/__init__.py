"""The programs behind docs/benchmarks.md: each measures all sides in one run, so that their ratios can be compared."""
