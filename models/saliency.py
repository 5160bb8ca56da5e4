"""Computes what a network looks at: feature strengths, from the deepest layer back to the frame (VisualBackProp).

For every feature map size, the features are averaged over the channels. The deepest map is enlarged and multiplied by
the next one, up to the frame; places with strong features at all depths remain. The method needs no gradient, so it
becomes a LiteRT file like the network itself. It shows where features are strong, not in which direction they steer.

Source: Bojarski et al., "VisualBackProp: efficient visualization of CNNs", arXiv 1611.05418. There the map of every
convolution is a factor. Here only the last map of each size is one: `eff` has four convolutions per block, and their
product would show a single spot.

    python -m models.saliency models/eff.h5 eff-saliency.tflite
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from models.adapter.text import adapter_text
from models.convert import litert_bytes_of, run_conversion
from models.converted import origin_path
from models.whole_files import write_whole
from protocol.command_line import command_parser, output_file

HELP = """Write a LiteRT file that maps a frame to what the network looks at.

example:
  python -m models.saliency models/eff.h5 eff-saliency.tflite"""

NICENESS = 10
"""The conversion usually runs during a drive, which has priority."""

TINY = 1e-12
"""Avoids a division by 0 for a map of zeros."""


def convert_saliency(path: Path, out: Path, preprocess: str | None = None) -> tuple[str, ...]:
    """Write `out` (uint8 frame (1, 160, 320, 3) -> float32 map (160, 320), 0 to 1) and `out`.json; return the notes.

    Raises ModelFileError for a file that cannot be loaded, ValueError for a network without convolutions, OSError.
    """
    from models.loading import load_steering_model  # noqa: PLC0415 - Keras takes seconds

    network = load_steering_model(path, preprocess)
    content = litert_bytes_of(saliency_function(network.model))
    facts = {"notes": network.notes, "source": str(path), "preprocess": preprocess}
    write_whole(origin_path(out), json.dumps(facts, indent=2).encode())
    write_whole(out, content)
    return network.notes


def saliency_function(model: Any) -> Callable[[Any], Any]:
    """A function of TensorFlow operations, uint8 frames (1, 160, 320, 3) -> float32 (160, 320), 0 to 1.

    model: built by `models.loading` or `models.steering`. Raises ValueError if it has no convolution, or has a layer
    that moves pixels in an unknown way.
    """
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from models.layer_grid import FRAME_GRID  # noqa: PLC0415

    outputs = _features(model)
    features = keras.Model(model.inputs, [output for output, _ in outputs])
    grids = [FRAME_GRID, *(grid for _, grid in outputs)]

    def strength(value: Any) -> Any:
        """Features (rows, columns, channels) -> mean of their positive parts, (rows, columns), scaled to 0..1."""
        mean = tf.reduce_mean(tf.nn.relu(value), axis=-1)
        return mean / (tf.reduce_max(mean) + TINY)

    def answer(frames: Any) -> Any:
        values = features(frames, training=False)
        maps = [strength(value[0]) for value in (values if len(outputs) > 1 else [values])]
        saliency = maps[-1]
        for depth in reversed(range(len(outputs))):
            source, target = grids[depth + 1], grids[depth]
            rows = source.rows.resampling(target.rows, outside=depth == 0)
            columns = source.columns.resampling(target.columns, outside=depth == 0)
            saliency = tf.matmul(tf.matmul(rows, saliency), columns.T)
            if depth:
                saliency = saliency * maps[depth - 1]
        return saliency

    return answer


def _features(model: Any) -> list[tuple[Any, Any]]:
    """The last output of each size after the first convolution, with its grid; the largest comes first."""
    import keras  # noqa: PLC0415
    from keras import layers  # noqa: PLC0415

    from models.layer_grid import FRAME_GRID, grid_after  # noqa: PLC0415

    grids = {id(model.inputs[0]): FRAME_GRID}
    outputs: dict[tuple[int, ...], tuple[Any, Any]] = {}
    convolved = False
    everywhere = layers.GlobalAveragePooling2D | layers.GlobalMaxPooling2D  # what follows has no place in the frame
    for layer in model.operations[1:]:
        source = next((tensor for tensor in keras.tree.flatten(layer.input) if id(tensor) in grids), None)
        if source is None or len(layer.output.shape) != 4 or isinstance(layer, everywhere):
            continue
        grid = grids[id(layer.output)] = grid_after(layer, grids[id(source)])
        kinds = layers.Conv2D | layers.DepthwiseConv2D | layers.SeparableConv2D
        convolved = convolved or (isinstance(layer, kinds) and not layer.name.startswith("preprocess"))
        if convolved:
            outputs[tuple(layer.output.shape[1:3])] = (layer.output, grid)
    if not outputs:
        raise ValueError("the network has no convolution, and thus no feature map to show")
    return list(outputs.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: print the notes; on failure, print one line to stderr and return 2."""
    parser = command_parser("python -m models.saliency", HELP)
    parser.add_argument("model", type=Path, help="a .h5 or .keras file, or either half of a .json + .h5 pair")
    parser.add_argument("out", type=output_file, help="the .tflite file to write")
    parser.add_argument("--preprocess", type=adapter_text, metavar="TEXT", help="as for models.convert")
    return run_conversion(parser, arguments, _convert)


def _convert(options: argparse.Namespace) -> tuple[str, ...]:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    return convert_saliency(options.model, options.out, options.preprocess)


if __name__ == "__main__":
    sys.exit(main())
