"""Time a short training from a recording on the disk to a model file; `benchmarks.gpu` reads its one line of JSON.

    python -m benchmarks.gpu.learn RECORDING FOLDER --epochs 2 --steps 100 --batch 64

It is the training of `python -m training`, without the drives that choose among its last checkpoints. In the end the
images are decoded once more, to time that by itself.
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.command import run_benchmark
from protocol.command_line import command_parser
from training.run.backend import choose_backend


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print; returns the exit code."""
    return run_benchmark(lambda: print("\n" + json.dumps(measure(_parse(arguments))), flush=True))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gpu.learn", __doc__)
    parser.add_argument("recording", type=Path, help="folder of a recording")
    parser.add_argument("folder", type=Path, help="folder for the run and its model")
    parser.add_argument("--model", default="eff", help="network (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, default=100, help="batches of an epoch (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64, help="images of a batch (default: %(default)s)")
    parser.add_argument("--started", type=float, default=time.time(), help="when the process was started, Unix time")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train; returns the seconds of each part, how many images were decoded, and how many each epoch learned."""
    choose_backend()
    import keras  # noqa: PLC0415 - after the choice of its backend

    from inference.devices import device_of  # noqa: PLC0415
    from training.data.crops import Crops  # noqa: PLC0415
    from training.data.samples import load_drives  # noqa: PLC0415
    from training.run.devices import use_all_devices  # noqa: PLC0415
    from training.run.recipe import Recipe  # noqa: PLC0415
    from training.run.run import TrainingRun, TrainingSettings  # noqa: PLC0415
    from training.run.schedule import phases  # noqa: PLC0415
    from training.run.train import Training  # noqa: PLC0415

    recipe = Recipe(
        epochs=options.epochs, steps=options.steps, batch=options.batch, refit_epochs=0, driven_checkpoints=0
    )
    use_all_devices(recipe.batch)
    device = device_of(keras.backend.backend())
    settings = TrainingSettings(options.model, (str(options.recording),), 1, None, "float32", recipe)
    drives = load_drives([options.recording], recipe, None, 1)
    imported_s = time.time()
    training = Training(settings, TrainingRun(options.folder / "run", settings), drives)
    ready_s = time.time()
    for phase in phases(recipe, 0):
        training.run(phase)
    learned_s = time.time()
    training.finish(options.folder / "model.h5", [])
    finished_s = time.time()
    again = Crops(options.folder / "again", training.images.crops.read)
    for drive in drives:
        again.add(drive.name, drive.images.reshape(-1))
    return {
        "model": options.model,
        "backend": keras.backend.backend(),
        "device": device,
        "start_s": imported_s - options.started,
        "decoded": len(again),
        "decode_s": time.time() - finished_s,
        "ready_s": ready_s - imported_s,
        "images": options.steps * options.batch,
        "epoch_s": [row["seconds"] for row in training.store.history],
        "learn_s": learned_s - ready_s,
        "total_s": finished_s - options.started,
    }


if __name__ == "__main__":
    sys.exit(main())
