"""The formats that the Udacity self-driving simulator dictates: its messages, its wire format and its recordings.

The package needs only numpy and Pillow. The server, the built-in simulator and the training share these definitions,
and tests of them need no network.
"""
