"""Write a LiteRT file that prepares camera frames as a written preprocessing says.

It runs before a network file that others made, whose layers this repository cannot build.

    python -m models.preprocessing.preparation "rows=60:135, size=66x200, scale=1/255" prepared.tflite
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from models.convert import litert_bytes, run_conversion
from models.converted import origin_path
from models.preprocessing.written import read_written
from models.whole_files import write_whole
from protocol.command_line import command_parser
from protocol.messages import FRAME_SHAPE


def convert_preparation(text: str, out: Path) -> tuple[str, ...]:
    """Write `out` (uint8 frame (1, 160, 320, 3) -> float32 pixels) and `out`.json; return no notes.

    Raises PreprocessingError, OSError.
    """
    import keras  # noqa: PLC0415 - Keras takes seconds

    preprocessing = read_written(text)
    frames = keras.Input(FRAME_SHAPE, dtype="uint8", name="frames")
    write_whole(origin_path(out), json.dumps({"notes": []}).encode())
    write_whole(out, litert_bytes(keras.Model(frames, preprocessing(frames))))
    return ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; on failure, print one line to stderr and return 2."""
    parser = command_parser("python -m models.preprocessing.preparation", __doc__)
    parser.add_argument("preprocessing", help="as --preprocess takes it")
    parser.add_argument("out", type=Path, help="the .tflite file to write")
    return run_conversion(parser, arguments, lambda options: convert_preparation(options.preprocessing, options.out))


if __name__ == "__main__":
    sys.exit(main())
