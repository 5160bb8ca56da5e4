"""The 25 corruptions: their names, their amounts at the strengths 1 to 5, and where the formulas come from."""

from __future__ import annotations

import difflib

from training.robustness.corruption import Corruption, Disturbance
from training.robustness.disturbances import (
    DroppedFrames,
    LateCommands,
    WheelOffset,
    WheelPlay,
    of_camera,
    of_picture,
    with_lens,
    with_offset,
    with_pitch,
    with_roll,
    with_yaw,
)
from training.robustness.pictures import blur, compression, light, noise, weather

PAPER = "ImageNet-C (Hendrycks and Dietterich, ICLR 2019)"
CAMERA = "the simulator's camera, simulator/render/camera.py"

CORRUPTIONS = (
    Corruption(
        "gaussian-noise", "noise", (0.08, 0.12, 0.18, 0.26, 0.38), "{} of white", PAPER,
        of_picture(noise.gaussian_noise),
    ),
    Corruption("shot-noise", "noise", (60, 25, 12, 5, 3), "{} photons", PAPER, of_picture(noise.shot_noise)),
    Corruption(
        "impulse-noise", "noise", (0.03, 0.06, 0.09, 0.17, 0.27), "{} of values", PAPER,
        of_picture(noise.impulse_noise),
    ),
    Corruption("defocus-blur", "blur", (3, 4, 6, 8, 10), "{} px radius", PAPER, of_picture(blur.defocus_blur)),
    Corruption("motion-blur", "blur", (3, 5, 8, 12, 15), "{} px", PAPER, of_picture(blur.motion_blur)),
    Corruption("zoom-blur", "blur", (1.10, 1.15, 1.20, 1.25, 1.30), "up to {} x", PAPER, of_picture(blur.zoom_blur)),
    Corruption(
        "fog", "weather", (150, 80, 50, 30, 20), "{} m visibility", "Koschmieder, 1924; WMO-No. 8",
        of_picture(weather.fog),
    ),
    Corruption("snow", "weather", (100, 200, 400, 700, 1100), "{} flakes", "drawn streaks", of_picture(weather.snow)),
    Corruption(
        "lens-dirt", "weather", (0.1, 0.2, 0.3, 0.4, 0.5), "{} of the picture", "smooth noise, cut at its quantile",
        of_picture(weather.lens_dirt),
    ),
    Corruption(
        "sun-glare", "weather", (0.2, 0.4, 0.6, 0.8, 1.0), "{} of white", "a disk, its halo and a veil",
        of_picture(weather.sun_glare),
    ),
    Corruption("brightness", "light", (0.1, 0.2, 0.3, 0.4, 0.5), "+{} of white", PAPER, of_picture(light.brightness)),
    Corruption(
        "darkness", "light", (1, 1.5, 2, 2.5, 3), "-{} stops", "IEC 61966-2-1: the transfer function of sRGB",
        of_picture(light.darkness),
    ),
    Corruption("contrast", "light", (0.4, 0.3, 0.2, 0.1, 0.05), "{} of it left", PAPER, of_picture(light.contrast)),
    Corruption(
        "colour-temperature", "light", (5000, 4000, 3300, 2700, 2200), "{} K",
        "Kim et al., 2002: the Planckian locus", of_picture(light.colour_temperature),
    ),
    Corruption("jpeg", "compression", (25, 18, 15, 10, 7), "quality {}", PAPER, of_picture(compression.jpeg)),
    Corruption(
        "pixelation", "compression", (0.6, 0.5, 0.4, 0.3, 0.25), "{} of the rows", PAPER,
        of_picture(compression.pixelation),
    ),
    Corruption("camera-turned", "camera", (0.5, 1, 2, 3, 4), "{} deg", CAMERA, of_camera(with_yaw)),
    Corruption("camera-pitched", "camera", (0.5, 1, 2, 3, 4), "{} deg", CAMERA, of_camera(with_pitch)),
    Corruption("camera-rolled", "camera", (1, 2, 4, 6, 8), "{} deg", CAMERA, of_camera(with_roll)),
    Corruption("camera-moved", "camera", (0.05, 0.1, 0.2, 0.3, 0.4), "{} m", CAMERA, of_camera(with_offset)),
    Corruption("other-lens", "camera", (5, 10, 15, 20, 30), "{} %", CAMERA, of_camera(with_lens)),
    Corruption("latency", "timing", (50, 100, 150, 200, 250), "{} ms", "simulator/world/stepping.py", LateCommands),
    Corruption("dropped-frames", "timing", (0.1, 0.25, 0.4, 0.6, 0.8), "{} of them", "lost by chance", DroppedFrames),
    Corruption("wheel-play", "steering", (1, 2, 4, 6, 8), "{} deg", "Tao and Kokotovic, 1996: backlash", WheelPlay),
    Corruption("wheel-offset", "steering", (0.5, 1, 2, 3, 4), "{} deg", "a constant added", WheelOffset),
)  # fmt: skip
"""In the order in which they are drawn and driven."""

CLEAN = Corruption("clean", "", (0, 0, 0, 0, 0), "nothing", "", lambda amount, seed: Disturbance())
"""An undisturbed drive, which the others are compared with."""


def corruption(name: str) -> Corruption:
    """The corruption of this name. Raises ValueError, which names the closest one."""
    names = [known.name for known in CORRUPTIONS]
    if name in names:
        return CORRUPTIONS[names.index(name)]
    closest = difflib.get_close_matches(name, names, 1)
    advice = f"did you mean {closest[0]}?" if closest else f"the corruptions are {', '.join(names)}"
    raise ValueError(f"no corruption {name!r}; {advice}")
