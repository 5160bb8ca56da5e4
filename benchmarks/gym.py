"""Measure the Gymnasium environments: steps a second, each with its frame, of one car and of several.

python -m benchmarks.gym
python -m benchmarks.gym --id steering/Mountain-v0 --envs 4
"""

from __future__ import annotations

from protocol.start import begin_command

if __name__ == "__main__":
    begin_command()

import argparse
import sys
import time
from collections.abc import Sequence

import gymnasium
from gymnasium.vector import VectorEnv

import simulator.gym
from benchmarks.command import run_benchmark
from protocol.command_line import command_parser, whole

CRUISE_MPH = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    return run_benchmark(lambda: measure(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser("python -m benchmarks.gym", __doc__)
    parser.add_argument("--id", choices=simulator.gym.IDS, default=simulator.gym.IDS[0], help="(default %(default)s)")
    parser.add_argument("--envs", type=whole(1, 256), default=2, help="cars of the vector environments (default 2)")
    parser.add_argument("--steps", type=whole(1, 10**6), default=1000, help="steps of each car (default 1000)")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> None:
    """Measure and print."""
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
    sys.exit(main())
