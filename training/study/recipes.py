"""The study's recipes are the origin's, which reproduce its figures, and ours, which aim at the best accuracy."""

from __future__ import annotations

from dataclasses import dataclass

OPTIMIZERS = ("adam", "muon")


@dataclass(frozen=True, slots=True)
class StudyRecipe:
    """The hyperparameters of a classifier's training; shares and angles are those of one image."""

    epochs: int
    batch: int
    learning_rate: float
    """With a `warm_up` over 0 this is the peak, from which a cosine falls to 1 % of it."""

    optimizer: str = "adam"
    """One of OPTIMIZERS; for Muon see `training.study.muon`."""

    warm_up: float = 0.0
    """The learning rate rises in this share of all steps; 0 keeps it constant."""

    weight_decay: float = 0.0
    block_dropout: float = 0.25
    head_dropout: float = 0.25
    start: str = "keras"
    """EffNet's kernels are initialised by "keras" or "he", see models.convolutions, or "awake", see `train.wake`."""

    label_smoothing: float = 0.0
    shift: int = 0
    """Images move by up to this many pixels each way."""

    turn_deg: float = 0.0
    zoom: float = 0.0
    slant: float = 0.0
    """Images turn, grow or shrink, and lean by up to these values, each drawn uniformly."""

    mirror: bool = False
    """Half of the images are mirrored."""


ORIGIN_DIGITS = {"baseline": StudyRecipe(20, 1000, 1e-3), "eff": StudyRecipe(20, 1000, 1e-2)}
"""The origin uses Adam, batches of 1000, a constant learning rate, no augmentation, and dropout after every block."""

OUR_DIGITS = StudyRecipe(
    epochs=20,
    batch=100,
    learning_rate=6e-3,
    optimizer="muon",
    warm_up=0.05,
    weight_decay=0.01,
    block_dropout=0.0,
    head_dropout=0.0,
    start="awake",
    shift=1,
    turn_deg=8.0,
    zoom=0.08,
    slant=0.08,
)
"""Such a small network overfits little: dropout costs it more than it gains, and slightly moved digits teach it more.
No kernel may begin dead, see `wake`. The learning rate is high and falls, so that the last epochs settle. Without norms
between its sixteen convolutions Adam underfits; Muon steps equally far in all directions of a kernel."""

OUR_CIFAR = StudyRecipe(
    epochs=15,
    batch=128,
    learning_rate=3e-3,
    warm_up=0.1,
    weight_decay=0.02,
    block_dropout=0.0,
    head_dropout=0.1,
    start="he",
    label_smoothing=0.05,
    shift=4,
    mirror=True,
)
"""Two cores train all of the paper's networks for this many epochs within hours. In so few epochs, shifted and mirrored
images regularise networks of this size enough, and dropout between blocks would cost time and accuracy."""


def recipe_of(task: str, model: str, name: str) -> StudyRecipe:
    """Return the named recipe. Raises ValueError for the origin's CIFAR-10, whose figures are copied from the paper."""
    if task == "digits":
        return ORIGIN_DIGITS[model] if name == "origin" else OUR_DIGITS
    if name == "origin":
        raise ValueError("the origin trained nothing on CIFAR-10; --recipe ours is the only one")
    return OUR_CIFAR
