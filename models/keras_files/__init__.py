"""Reads model files of Keras 1, 2 and 3 as data, and never runs code from a file.

`models.loading` is the entry point; these modules are its steps, from the bytes of a file to the built layers.
"""
