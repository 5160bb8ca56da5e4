"""Roads as figures: where they lie, how wide they are, and what lies beside them."""
