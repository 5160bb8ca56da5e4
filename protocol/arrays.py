"""Types of the floating-point arrays that packages pass to each other; each docstring states an array's shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
