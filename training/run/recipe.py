"""The recipes give every hyperparameter of training with its reason: ours, and the study's as it published them.

Where our value differs from the study's, the reason says why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from sys import float_info

Trial = tuple[str, bool, float]
"""One lap of a track: its name, whether it is driven in reverse, and the speed in mph."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All hyperparameters of one training; they are part of the run's identity and of the model's card."""

    epochs: int = 8
    """The first phase learns for this many epochs without the held-out road, and is then measured on it. More epochs
    gain next to nothing."""

    refit_epochs: int = 3
    """The refit then learns all the road for this many epochs at a lower rate, because a model that drives must have
    seen the sharpest bend. With --dagger, a refit follows each round of corrections."""

    refit_learning_rate: float = 4e-4
    """The refit's rate is high enough to learn a seventh more road, and low enough to keep what was learned."""

    batch: int = 32
    """Larger batches are no faster on two cores and take fewer steps; smaller ones make batch norm noisy."""

    huber_width: float | None = None
    """Errors larger than this count linearly, not by their square, so that a track of sharp bends, where people differ
    by more, does not outweigh a gentle one. None squares all errors."""

    learning_rate: float = 1e-3
    """Adam's rate rises to this value in the warm-up, then falls along a cosine to `last_rate` of it."""

    warm_up: float = 0.03
    """The rate rises in this share of all steps, because the first steps of 25 layers without norm are unstable."""

    last_rate: float = 0.01
    """The cosine ends at this share of the rate; 1 keeps the rate constant."""

    block_dropout: float = 0.0
    """The study drops 0.25 after each block. Five such blocks in a row keep a quarter of the signal, and `eff` then
    learns nothing."""

    head_dropout: float = 0.1
    """The study drops 0.5 three times in a row before one output, which makes noise as large as the steering."""

    weight_decay: float = 1e-4

    average_horizon_steps: int = 500
    """The saved weights are an exponential average over about this many steps, which varies less than the weights of
    any single step. With 1 they are the last step's, and batch norms keep their own running averages."""

    smooth_s: float = 0.5
    """Labels are centred moving averages over this time: a keyboard driver's 0, 0, -0.4, 0, 0 means a steady -0.08."""

    straight_below: float = 0.02
    """A row counts as straight when its smoothed steering is below this."""

    straight_share: float = 0.25
    """Straight rows, drawn anew, make up at most this share of an epoch. The study discards 80 % of them instead; a
    share gives the same balance for all recordings, which have 30 to 80 % of straight rows."""

    straight_kept: float | None = None
    """This share of straight rows is drawn, whatever share of the epoch they become; None uses `straight_share`."""

    rows_apart_s: float = 0.0
    """Rows that are nearer in time than this to the last one are not learned, because neighbours look alike and each
    takes room on the disk. 0 learns all."""

    expert_share: float | None = None
    """This share of an epoch's rows comes from the recordings learned whole and from corrections, in which the built-in
    expert steers; None takes all rows alike."""

    steps: int | None = None
    """An epoch has this many batches, drawn with repetition; None uses every row left after thinning once."""

    side_camera: float = 0.075
    """A side camera, 0.82 m aside, asks for tan(angle) +- this, which is 0.09 for each metre. This is a trade-off: a
    larger correction steers back more, but agrees less with people, who wander by half a metre and do not correct it.
    The study's 0.25 also swings at 30 mph, because the car answers its wheel 0.14 s late. See docs/training.md."""

    centre_share: float = 0.5
    """This share of images is from the centre camera, which is the one that drives; the side cameras share the rest and
    teach the way back to the centre."""

    brightness_low: float = 0.3
    brightness_high: float = 1.3
    """All colours are multiplied by a factor in this range, which covers both looks of the lake, and dusk. The study's
    lower end of 0.1 is almost black."""

    tint: float = 0.15
    """Red, green and blue are each multiplied by a factor that is up to this far from 1, because the light of builds
    of the simulator differs in colour."""

    contrast_share: float = 0.3
    contrast_low: float = 0.2
    """This share of images loses contrast in place of brightness, down to the lower end, around a random grey level.
    Low contrast was what cost the models most (docs/robustness.md), and no recording shows it."""

    noise_share: float = 0.2
    noise_levels: float = 40.0
    """This share of images gets normal noise of up to this standard deviation, in grey levels of 255."""

    shadow_share: float = 0.3
    """This share of images gets one drawn shadow, because one look of the lake has shadows and the other has none."""

    other_hood: bool = True
    """Each image gets the hood of another frame, because a hood reveals its camera and so the correction (see
    data/hood.py)."""

    shift_m: float = 0.5
    """Views of any camera are shifted by up to this to either side, so that they cover 1.3 m to either side without a
    gap."""

    turn_deg: float = 4.0
    """Views are turned by up to this to either side, because a car that returns to the middle crosses it at an angle,
    and no recording shows a turned car without the steering that turned it. 0 turns it off, also for the shift."""

    horizon_rows: tuple[float, float] | None = (57.0, 62.0)
    """Views look up or down until the horizon lies at a random row between these, because the car that a model drives
    looks three rows further down than the one that records. None leaves the horizon where it is."""

    roll_deg: tuple[float, float] | None = (0.0, 1.5)
    """Views are rolled by a random angle between these, because both cars' cameras are rolled by 1.17 degrees, and
    mirrored images the other way. None leaves the roll as it is."""

    turn_reach_m: float = 12.0
    """A turned view asks for the steering of one shifted by this times the turn, which is 1.1 for each radian. With
    0.09 for each metre the return is damped at 0.75 of critical: d2y/ds2 = -0.168 (0.09 y + 1.1 dy/ds). The 0.168 is
    25 degrees in radians over the wheelbase of 2.6 m."""

    held_out_starts_m: tuple[float, ...] = (110.0, 310.0, 640.0)
    held_out_length_m: float = 70.0
    """These stretches of road, measured from the sharpest bend, are held out: on the lake a sharp bend, a straight and
    a gentle bend. They avoid the lake's only bridge and its only dirt verge, and are a fifth of the road."""

    guard_m: float = 20.0
    """This much road on both sides of a held-out stretch is left out, because the cropped image shows about as far."""

    driven_checkpoints: int = 3
    """The averaged weights after each of this many last epochs drive the built-in tracks, and the best driver is kept:
    their errors on frames are alike, but their drives are not. 0 keeps the last epoch's weights without driving."""

    trials: tuple[Trial, ...] = (
        ("lake", False, 15.0),
        ("lake", True, 15.0),
        ("lake", False, 25.0),
        ("mountain", False, 12.0),
    )
    """These are the laps that a checkpoint drives."""

    dagger_tracks: tuple[str, ...] = ("lake", "mountain")
    """In a round of corrections the model drives each of these tracks both ways, and a random road that no other round
    has."""

    replays: bool = True
    """A checkpoint also drives through the learned recordings, which are harder than the built-in tracks."""

    held_out_share: float | None = None
    """This share of all rows is held out at random instead; training then learns their neighbours, which look the
    same."""

    patience: int = 0
    """After each epoch the held-out rows, drawn and varied like training rows, are validated; the epoch with the least
    validation loss is kept, and training stops after this many epochs without a better one. 0 turns both off."""

    @property
    def moves_views(self) -> bool:
        """Whether a view may be another than the frame's own."""
        return bool(self.shift_m or self.turn_deg or self.horizon_rows or self.roll_deg)


STUDY = Recipe(
    epochs=21,
    refit_epochs=0,
    batch=128,
    warm_up=0.0,
    last_rate=1.0,
    block_dropout=0.25,
    head_dropout=0.5,
    weight_decay=0.0,
    average_horizon_steps=1,
    smooth_s=0.0,
    straight_below=float_info.min,
    straight_kept=0.2,
    steps=128,
    side_camera=0.25,
    centre_share=1 / 3,
    brightness_low=0.1,
    brightness_high=1.0,
    tint=0.0,
    contrast_share=0.0,
    noise_share=0.0,
    shadow_share=0.0,
    other_hood=False,
    shift_m=0.0,
    turn_deg=0.0,
    horizon_rows=None,
    roll_deg=None,
    driven_checkpoints=0,
    held_out_share=0.2,
    patience=15,
)
"""The study trains with Adam at a constant 1e-3, mean squared error and batch norm. Each epoch leaves out four of five
rows whose angle is exactly 0, and draws one of three cameras. V of HSV is multiplied by 0.1 to 1; half the images are
mirrored."""


QUICK = Recipe(
    epochs=4,
    refit_epochs=2,
    steps=230,
    average_horizon_steps=200,
    driven_checkpoints=2,
    trials=(("lake", False, 25.0),),
    replays=False,
)
"""The quick recipe learns 44,000 images, however many rows there are, which takes `eff-tiny` less than five minutes on
two cores. It judges two checkpoints by one lap each."""


def recipe_of(name: str, model: str) -> Recipe:
    """Return the recipe `ours`, `quick` or `study` for a network; the study's baseline has less dropout."""
    if name != "study":
        return QUICK if name == "quick" else Recipe()
    return replace(STUDY, block_dropout=0.2) if model == "baseline" else STUDY
