"""Networks in a form that a compiler for a GPU runs fast."""
