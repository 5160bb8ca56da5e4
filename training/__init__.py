"""Training turns folders of recordings into model files with their cards.

No code that serves a model imports this package.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
"""This turns on TensorFlow's oneDNN kernels, which are off by default on processors without AVX-512."""
