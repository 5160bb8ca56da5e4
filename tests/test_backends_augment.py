"""Every backend of Keras shows a network the same pictures, except for rounding."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
AUGMENT = """
import sys
import numpy as np
from keras import ops
from training.data.augment import augment
from training.data.variations import draw_variations
from training.data.viewpoint import rows_to_read
from training.run.recipe import Recipe

random, rows = np.random.default_rng(5), (80, 140)
first, end = rows_to_read(rows, Recipe())
coarse = random.integers(0, 256, (16, end - first, 20, 3))
crops = coarse.repeat(16, axis=2).astype(np.uint8)
hoods = random.integers(0, 256, (5, 6, 320, 3)).astype(np.uint8)
variations, _ = draw_variations(random.uniform(-1, 1, 16), Recipe(shadow_share=0.5), rows, 5, 7, 0)
tensors = type(variations)(*map(ops.convert_to_tensor, variations))
images = augment(ops.convert_to_tensor(crops), tensors, ops.convert_to_tensor(hoods), 60)
np.save(sys.argv[1], ops.convert_to_numpy(images))
"""


@pytest.mark.slow
def test_all_backends_give_the_same_pictures(tmp_path):
    backends = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]
    pictures = {}
    for backend in backends:
        file = tmp_path / f"{backend}.npy"
        environment = {**os.environ, "KERAS_BACKEND": backend}
        subprocess.run([sys.executable, "-c", AUGMENT, str(file)], cwd=ROOT, env=environment, check=True)
        pictures[backend] = np.load(file).astype(int)
    assert len(pictures) > 1, "nothing to compare with"
    first, *others = pictures.values()
    assert first.std() > 30
    for other in others:
        difference = np.abs(other - first)
        assert (difference > 1).mean() < 1e-5, "a pixel beside a shadow's edge may fall on either side"
        assert (difference == 1).mean() < 1e-3
