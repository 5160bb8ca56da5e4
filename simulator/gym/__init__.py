"""Gymnasium environments of the built-in world; importing this package registers them.

gymnasium.make("simulator.gym:steering/Lake-v0", render_mode="rgb_array")

It needs gymnasium, and it loads Panda3D only when an environment is made.
"""

from gymnasium.envs.registration import register

from protocol.tracks.names import RANDOM, ROADS, WEATHERS

_KWARGS = {
    f"steering/{road.title()}{weather.title()}{way}-v0": {
        "track": f"{road}:{weather}" if weather else road,
        "reverse": way == "Reverse",
    }
    for weather in ("", *WEATHERS)
    for road in (*ROADS, RANDOM)
    for way in ("", "Reverse")
}

IDS = tuple(_KWARGS)
"""Each road in both directions, in clear weather, by night and in rain."""

for _id, _kwargs in _KWARGS.items():
    register(_id, "simulator.gym.environment:DrivingEnv", kwargs=_kwargs)
