"""The data doctor: what is in a recording, what is wrong with it, and what to do, before a model learns from it.

A model repeats what it is shown: frames that do not decode, views that never change and a driver at a keyboard are
cheaper to find here than in how it drives. Nothing of a recording is ever changed.
"""
