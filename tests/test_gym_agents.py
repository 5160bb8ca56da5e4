"""Agents on the Gymnasium environments: several cars at once, a shipped model, PPO, and the examples of the docs."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import simulator.gym  # noqa: F401
from inference.engine import open_engine

ROOT = Path(__file__).resolve().parent.parent
LAKE = "steering/Lake-v0"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/gymnasium.md").read_text(encoding="utf-8"), re.M | re.S)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_several_cars_drive_as_each_would_alone(mode):
    kwargs = {"context": "spawn"} if mode == "async" else {}
    cars = gymnasium.make_vec(LAKE, 2, mode, vector_kwargs=kwargs, cruise_mph=15)
    alone = gymnasium.make(LAKE, cruise_mph=15)
    cars.reset(seed=[7, 8])
    alone.reset(seed=8)
    for steering in (0.2, -0.4, 0.1):
        frames, rewards, _, _, infos = cars.step(np.full((2, 1), steering, np.float32))
        frame, reward, _, _, info = alone.step(np.array([steering], np.float32))
    processes = list(getattr(cars, "processes", []))
    cars.close()
    alone.close()
    assert frames.shape == (2, 160, 320, 3)
    assert np.array_equal(frames[1], frame)
    assert not np.array_equal(frames[0], frame)
    assert (rewards[1], infos["cte"][1], infos["track"][1]) == (reward, info["cte"], "lake")
    assert len(processes) == (2 if mode == "async" else 0)
    assert not any(process.is_alive() for process in processes)


def test_a_random_agent_leaves_the_road_and_starts_again():
    env = gymnasium.make_vec(LAKE, 1, cruise_mph=25)
    env.action_space.seed(0)
    env.reset(seed=0)
    ends = sum(int(env.step(env.action_space.sample())[2][0]) for _ in range(400))
    env.close()
    assert ends >= 2


def test_a_shipped_model_drives_an_episode_on_the_road():
    engine = open_engine(ROOT / "models/eff-small.h5")
    env = gymnasium.make(LAKE, cruise_mph=25)
    frame, info = env.reset(seed=0)
    terminated = truncated = False
    while not (terminated or truncated):
        frame, _, terminated, truncated, info = env.step(engine.predict(frame[np.newaxis]))
    env.close()
    assert (terminated, truncated) == (False, True)
    assert info["lap"] == 2
    assert info["on_road"]


def test_ppo_learns_for_200_steps():
    algorithms = pytest.importorskip("stable_baselines3", reason="pip install stable-baselines3 to run this test")
    checks = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gymnasium.make(LAKE, cruise_mph=15)
    checks.check_env(env.unwrapped)
    agent = algorithms.PPO("CnnPolicy", env, n_steps=100, batch_size=50, n_epochs=1, seed=0, device="cpu")
    before = [weights.detach().clone() for weights in agent.policy.parameters()]
    agent.learn(200)
    frame, _ = env.reset(seed=0)
    action, _ = agent.predict(frame)
    env.close()
    assert agent.num_timesteps == 200
    assert any((old != new).any() for old, new in zip(before, agent.policy.parameters(), strict=True))
    assert env.action_space.contains(action)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.splitlines()[0])
def test_the_examples_of_the_docs_run(example, tmp_path):
    for package in ("stable_baselines3", "moviepy"):
        if package in example and find_spec(package) is None:
            pytest.skip(f"this example needs {package}")
    (tmp_path / "models").mkdir()
    shutil.copy(ROOT / "models/eff.h5", tmp_path / "models")
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py", "1000"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
