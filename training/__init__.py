"""From folders of recordings to trained model files with their cards; everything here is for the workshop.

Nothing that serves a model imports it.
"""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
"""TensorFlow's fast kernels, off by default where there is no AVX-512; `eff` learns 2.4 times faster with them."""
