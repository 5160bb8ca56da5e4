"""From folders of recordings to trained model files with their cards; everything here is for the workshop.

Nothing that serves a model imports it.
"""
