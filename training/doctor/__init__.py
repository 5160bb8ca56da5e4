"""The data doctor reports what is in a recording, what is wrong with it and what to do, before a model learns from it.

A model repeats what it learns. Frames that do not decode, views that never change and keyboard steering are cheaper to
find here than in how it drives. The doctor never changes a recording.
"""
