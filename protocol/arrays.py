"""Names of the floating-point arrays that several packages hand to each other; a docstring gives each one's shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
