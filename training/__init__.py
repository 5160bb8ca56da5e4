"""From folders of recordings to trained model files with their cards; everything here is for the workshop.

Nothing that serves a model imports it.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
"""TensorFlow's fast kernels, which it leaves off on processors without AVX-512: they train `eff` 3.6 times faster there."""
