"""Settings of layers of Keras 1 and 2 in today's words, and those that no later Keras computes."""

from __future__ import annotations

from typing import Any

import pytest

from models.keras_files.legacy import translate
from models.loading import ModelFileError


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("Dense", {"output_dim": 9, "bias": False}, ("Dense", {"units": 9, "use_bias": False})),
        ("Dropout", {"p": 0.3}, ("Dropout", {"rate": 0.3})),
        ("ThresholdedReLU", {"theta": 0.7}, ("ReLU", {"threshold": 0.7})),
        ("ZeroPadding2D", {"padding": [1, 2, 3, 4]}, ("ZeroPadding2D", {"padding": [[1, 2], [3, 4]]})),
        ("Flatten", {"dim_ordering": "th"}, ("Flatten", {"data_format": "channels_first"})),
        ("Dense", {"activation": "hard_sigmoid"}, ("Dense", {"activation": "old_hard_sigmoid"})),
        (
            "Dense",
            {"activation": {"class_name": "LeakyReLU", "config": {"alpha": 0.1}}},
            ("Dense", {"activation": {"class_name": "LeakyReLU", "config": {"alpha": 0.1, "negative_slope": 0.1}}}),
        ),
        ("Dense", {"activation": {"class_name": "function", "config": "relu6"}}, ("Dense", {"activation": "relu6"})),
    ],
)
def test_settings_in_todays_words(kind: str, config: dict[str, Any], expected: tuple[str, dict[str, Any]]) -> None:
    assert translate(kind, config, "1.2.0") == expected


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("BatchNormalization", {"name": "bn", "mode": 2}, "mode 2"),
        ("Merge", {"name": "m", "mode": "dot"}, "'dot'"),
    ],
)
def test_what_no_later_keras_computes_is_refused(kind: str, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        translate(kind, config, "2.0.6")
