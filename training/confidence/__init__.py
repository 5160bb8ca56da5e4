"""A trained model learns which frames it knows, and how well it tells others from them is measured."""
