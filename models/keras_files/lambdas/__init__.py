"""Reads what a Lambda layer's Python function computes, without running it, and builds it as layers.

The steps: `marshalled_code` parses the bytes, `bytecode` their instructions, `following` what these do to images;
`reading` puts this together, `layers` builds the result, and `decisions` says what becomes of each Lambda of a file.
"""
