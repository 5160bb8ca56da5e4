"""Gymnasium environments of the built-in world; importing this package registers them.

gymnasium.make("simulator.gym:steering/Lake-v0", render_mode="rgb_array")

It needs gymnasium, and it loads Panda3D only when an environment is made.
"""

from gymnasium.envs.registration import register

IDS = tuple(f"steering/{road}{way}-v0" for road in ("Lake", "Jungle", "Mountain", "Random") for way in ("", "Reverse"))
"""Each road in both directions."""

for _id in IDS:
    _name = _id.removeprefix("steering/").removesuffix("-v0")
    register(
        _id,
        "simulator.gym.environment:DrivingEnv",
        kwargs={"track": _name.removesuffix("Reverse").lower(), "reverse": _name.endswith("Reverse")},
    )
