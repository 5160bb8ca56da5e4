"""Measure the Gymnasium environments: steps a second, each with its frame, of one car and of several.

python -m benchmarks.gym
"""

from __future__ import annotations

import argparse
import time

import gymnasium
from gymnasium.vector import VectorEnv

import simulator.gym
from protocol.command_line import whole

CRUISE_MPH = 15.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--id", choices=simulator.gym.IDS, default=simulator.gym.IDS[0], help="(default %(default)s)")
    parser.add_argument("--envs", type=whole(1, 256), default=2, help="cars of the vector environments (default 2)")
    parser.add_argument("--steps", type=whole(1, 10**6), default=1000, help="steps of each car (default 1000)")
    options = parser.parse_args()
    for title, mode, cars in (("one", "sync", 1), ("sync", "sync", options.envs), ("async", "async", options.envs)):
        kwargs = {"context": "spawn"} if mode == "async" else {}
        env = gymnasium.make_vec(options.id, cars, mode, vector_kwargs=kwargs, cruise_mph=CRUISE_MPH)
        rate = steps_per_second(env, options.steps)
        env.close()
        print(f"{options.id}, {title}, {cars} {'cars' if cars > 1 else 'car'}: {rate:.0f} steps/s")


def steps_per_second(env: VectorEnv, steps: int) -> float:
    """Let a random agent drive; returns the steps of all cars in a second, without the time to draw the scenery."""
    env.reset(seed=0)
    env.action_space.seed(0)
    start_s = time.perf_counter()
    for _ in range(steps):
        env.step(env.action_space.sample())
    return steps * env.num_envs / (time.perf_counter() - start_s)


if __name__ == "__main__":
    main()
