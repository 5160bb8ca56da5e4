"""How the study trained: every value as published, so that nothing here is a choice of ours.

Our own recipe differs, for reasons that training/recipe.py gives value by value.
"""

from __future__ import annotations

from dataclasses import replace

from training.recipe import Recipe

MODELS = ("baseline", "eff")

ORIGIN = Recipe(
    epochs=21,
    refit_epochs=0,
    batch=128,
    learning_rate=1e-3,
    warm_up=0.0,
    block_dropout=0.25,
    head_dropout=0.5,
    weight_decay=0.0,
    average_horizon_steps=1,
    smooth_s=0.0,
    side_camera=0.25,
    centre_share=1 / 3,
    brightness_low=0.1,
    brightness_high=1.0,
    shadow_share=0.0,
    shift_m=0.0,
    turn_deg=0.0,
    driven_checkpoints=0,
)
"""Adam at 1e-3 throughout, mean squared error; one of three cameras at random, its angle corrected by
arctan(tan(angle) +- 0.25); V of HSV times 0.1 to 1; mirrored half of the time."""

RECIPES = {"baseline": replace(ORIGIN, block_dropout=0.2), "eff": ORIGIN}

STEPS = 128
"""Batches an epoch, whatever the size of the recordings: 16,384 images."""

HELD_OUT_SHARE = 0.2
"""Of all rows, drawn at random once: neighbours of a held-out row, which look the same, are learned."""

ZEROS_DROPPED = 0.8
"""Of the rows whose angle is exactly 0, drawn anew each epoch."""

PATIENCE = 15
"""Epochs without a better validation loss after which it stops; the best one's weights are kept."""

PUBLISHED = {"baseline": {"loss": 0.1016, "val_loss": 0.0994}, "eff": {"loss": 0.1224, "val_loss": 0.1074}}
"""Mean squared errors after 21 epochs."""
