"""What a network looks at: its features' strength, from the deepest layer back to the camera's frame (VisualBackProp).

At every size that the picture passes through, the features of all channels are averaged; the deepest of these maps is
enlarged and multiplied with the next one, until the frame is reached: what stays is where all depths found something.
It needs no gradient, so it becomes a LiteRT file like the network itself: some milliseconds a frame, and no TensorFlow.
It tells where features are strong, not which way they steer.

Source: Bojarski et al., "VisualBackProp: efficient visualization of CNNs", arXiv 1611.05418. There every convolution's
map is a factor; here one map of each size, the last, for `eff` has four convolutions a block and would show one spot.

    python -m models.saliency models/eff.h5 eff-saliency.tflite
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models.convert import litert_bytes_of, notes_path, run_conversion
from models.preprocessing import PREPROCESSINGS
from models.whole_files import write_whole
from protocol.command_line import command_parser

NICENESS = 10
"""A car is driving, as a rule, while this is asked for."""

TINY = 1e-12
"""Keeps a layer that found nothing from dividing by 0."""


def convert_saliency(path: Path, out: Path, preprocess: str | None = None) -> tuple[str, ...]:
    """Write `out` (uint8 frame (1, 160, 320, 3) -> float32 map (160, 320), 0 to 1) and `out`.json; return the notes.

    Raises ModelFileError for a file that cannot be loaded, ValueError for a network without convolutions, OSError.
    """
    from models.loading import load_steering_model  # noqa: PLC0415 - Keras takes seconds

    loaded = load_steering_model(path, preprocess)
    content = litert_bytes_of(saliency_function(loaded.model))
    facts = {"notes": loaded.notes, "source": str(path), "preprocess": preprocess}
    write_whole(notes_path(out), json.dumps(facts, indent=2).encode())
    write_whole(out, content)
    return loaded.notes


def saliency_function(model: Any) -> Callable[[Any], Any]:
    """A function of TensorFlow operations, uint8 frames (1, 160, 320, 3) -> float32 (160, 320), 0 to 1.

    model: one that `models.loading` or `models.steering` built. Raises ValueError where it has no convolutions, or a
    layer that moves pixels in an unknown way.
    """
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from models.layer_grid import FRAME_GRID  # noqa: PLC0415

    found = _features(model)
    features = keras.Model(model.inputs, [output for output, _ in found])
    grids = [FRAME_GRID, *(grid for _, grid in found)]

    def strength(value: Any) -> Any:
        """Features (rows, columns, channels) -> their mean where positive, 0 to 1."""
        mean = tf.reduce_mean(tf.nn.relu(value), axis=-1)
        return mean / (tf.reduce_max(mean) + TINY)

    def answer(frames: Any) -> Any:
        values = features(frames, training=False)
        maps = [strength(value[0]) for value in (values if len(found) > 1 else [values])]
        seen = maps[-1]
        for depth in reversed(range(len(found))):
            here, onto = grids[depth + 1], grids[depth]
            rows = here.rows.resampling(onto.rows, outside=depth == 0)
            columns = here.columns.resampling(onto.columns, outside=depth == 0)
            seen = tf.matmul(tf.matmul(rows, seen), columns.T)
            if depth:
                seen = seen * maps[depth - 1]
        return seen

    return answer


def _features(model: Any) -> list[tuple[Any, Any]]:
    """The last output of each size, from the first convolution on, with its grid; the largest first."""
    from keras import layers  # noqa: PLC0415

    from models.layer_grid import FRAME_GRID, grid_after  # noqa: PLC0415

    grids = {id(model.inputs[0]): FRAME_GRID}
    found: dict[tuple[int, ...], tuple[Any, Any]] = {}
    convolved = False
    for layer in model.layers[1:]:
        given = layer.input[0] if isinstance(layer.input, list) else layer.input
        if id(given) not in grids or len(layer.output.shape) != 4:
            continue
        grid = grids[id(layer.output)] = grid_after(layer, grids[id(given)])
        kinds = layers.Conv2D | layers.DepthwiseConv2D | layers.SeparableConv2D
        convolved = convolved or (isinstance(layer, kinds) and not layer.name.startswith("preprocess"))
        if convolved:
            found[tuple(layer.output.shape[1:3])] = (layer.output, grid)
    if not found:
        raise ValueError("the network has no convolution: there is no picture inside it to look at")
    return list(found.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: notes to stdout; exit code 2 and one line on stderr for what cannot be converted."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    text = "A LiteRT file that answers a frame with what the network looks at."
    parser = command_parser("python -m models.saliency", text)
    parser.add_argument("model", type=Path, help="a .h5 or .keras file, or either half of a .json + .h5 pair")
    parser.add_argument("out", type=Path, help="the .tflite file to write")
    parser.add_argument("--preprocess", choices=PREPROCESSINGS, help="how frames become the model's input")
    parser.add_argument("--verbose", action="store_true", help="with a traceback, when it fails")
    options = parser.parse_args(arguments)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    return run_conversion(lambda: convert_saliency(options.model, options.out, options.preprocess), options)


if __name__ == "__main__":
    sys.exit(main())
