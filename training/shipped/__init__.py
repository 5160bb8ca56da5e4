"""Makes the models in models/: the recordings and drives that they learn from, their recipe, and the order of work."""
