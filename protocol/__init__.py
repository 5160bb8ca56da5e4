"""What the Udacity self-driving simulator dictates: its messages, its wire format and its recordings.

Everything here is plain Python over numpy and Pillow, so that the server, the built-in simulator and the training
share one definition of each fact and can be tested without a network.
"""
