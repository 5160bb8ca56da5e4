"""One training: its recipe, its phases, its folder, its curves and its model card."""
