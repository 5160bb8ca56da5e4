"""This Muon also trains convolutions: every kernel that mixes channels moves by an orthogonal matrix.

Keras' own Muon trains matrices only, and these networks have one, a dense layer among twenty layers.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


class ConvMuon(keras.optimizers.Muon):
    """Keras' Muon that treats a convolution's kernel (rows, columns, in, out) as a matrix (rows * columns * in, out).

    Adam trains, at the same rate, depthwise kernels, which mix no channels, and the last layer, named `classes`.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the step's size as in
    Liu et al., arXiv 2502.16982, so that rates are like Adam's.
    """

    def __init__(self, learning_rate: Any, weight_decay: float) -> None:
        super().__init__(
            learning_rate, weight_decay=weight_decay, adam_weight_decay=weight_decay, exclude_layers=["classes"]
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        if len(variable.shape) == 4 and variable.shape[-1] > 1:
            return False
        return bool(super()._should_use_adamw(variable))

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, gradient + (self.momentum - 1.0) * m)
        matrix = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        size = self.rms_rate * math.sqrt(max(matrix.shape))
        step = size * ops.reshape(self.zeropower_via_newtonschulz5(matrix, self.ns_steps), variable.shape)
        self.assign_sub(variable, ops.cast(lr, variable.dtype) * step)
