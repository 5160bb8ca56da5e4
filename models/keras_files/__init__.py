"""Reading model files of Keras 1, 2 and 3 as data: nothing that a file brings along is ever run.

`models.loading` is the way in; these are its parts, from the bytes of a file to the layers built from it.
"""
