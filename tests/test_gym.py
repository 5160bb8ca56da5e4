"""The Gymnasium environments: gymnasium's own checks, reward, endings, starts, and that one seed gives one episode."""

from itertools import cycle, product

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import simulator.gym
from simulator.gym import environment
from simulator.world.expert import Expert

LAKE = "steering/Lake-v0"
CLEAR_ROADS, WAYS = ("Lake", "Jungle", "Mountain", "Random"), ("", "Reverse")
AHEAD, LEFT = np.array([0.0, 0.5], np.float32), np.array([-1.0, 0.5], np.float32)


@pytest.fixture(scope="module")
def lake():
    """The lake, drawn once; each test resets it."""
    env = gymnasium.make(LAKE, render_mode="rgb_array")
    yield env
    env.close()


def episode(env, seed, steps=20):
    """Drive at random; returns all that the agent learned."""
    env.action_space.seed(seed)
    frame, info = env.reset(seed=seed)
    history = [(frame.tobytes(), info)]
    for _ in range(steps):
        frame, *results = env.step(env.action_space.sample())
        history.append((frame.tobytes(), *results))
    return history


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cruise_mph"),
    [
        *zip((f"steering/{road}{way}-v0" for road, way in product(CLEAR_ROADS, WAYS)), cycle([None, 15, 15, None])),
        ("steering/LakeNight-v0", 15),
        ("steering/RandomRainReverse-v0", 15),
    ],
)
def test_gymnasium_finds_no_fault(name, cruise_mph):
    env = gymnasium.make(name, render_mode="rgb_array", cruise_mph=cruise_mph)
    check_env(env.unwrapped)
    env.close()


def test_each_road_has_both_directions_and_three_weathers():
    assert len(simulator.gym.IDS) == 4 * 3 * 2
    for name, track, reverse in (
        ("Mountain", "mountain", False),
        ("MountainReverse", "mountain", True),
        ("JungleNight", "jungle:night", False),
        ("RandomRainReverse", "random:rain", True),
    ):
        assert gymnasium.spec(f"steering/{name}-v0").kwargs == {"track": track, "reverse": reverse}


def test_one_seed_gives_one_episode(lake):
    assert episode(lake, 3) == episode(lake, 3)
    assert episode(lake, 3, 0) != episode(lake, 4, 0)


def test_the_reward_is_progress_near_the_middle(lake):
    lake.reset(seed=0, options={"speed_mph": 20})
    _, _, _, _, before = lake.step(AHEAD)
    frame, reward, terminated, truncated, info = lake.step(AHEAD)
    advance_m = info["distance_m"] - before["distance_m"]
    assert advance_m == pytest.approx(20 * 0.44704 * 0.04, rel=0.1)
    assert reward == pytest.approx(advance_m * (1 - abs(info["cte"]) / 4))
    assert (terminated, truncated, info["on_road"], info["lap"]) == (False, False, True, 1)
    assert info["time_s"] == pytest.approx(0.08)
    assert (frame.shape, frame.dtype) == ((160, 320, 3), np.uint8)
    assert np.array_equal(frame, lake.render())


def test_leaving_the_road_ends_the_episode_and_costs(lake):
    lake.reset(seed=0, options={"speed_mph": 20})
    terminated = False
    while not terminated:
        _, reward, terminated, truncated, info = lake.step(LEFT)
    assert not truncated
    assert not info["on_road"]
    assert info["cte"] < -3.64 or info["heading_error_rad"] > np.pi / 2, "it is shown where it left, to the left"
    assert -10.01 < reward < -9.5
    with pytest.raises(ResetNeeded, match=r"call reset\(\)"):
        lake.step(AHEAD)


def test_an_episode_is_truncated_after_its_laps():
    env = gymnasium.make(LAKE, laps=0.02)
    env.reset(seed=0)
    expert = Expert(env.unwrapped.world, 25)
    terminated = truncated = False
    while not (terminated or truncated):
        command = expert.control()
        _, _, terminated, truncated, info = env.step(np.array([command.steering, command.throttle], np.float32))
    env.close()
    assert (terminated, truncated) == (False, True)
    assert info["distance_m"] == pytest.approx(0.02 * 1137, abs=1)


def test_an_episode_is_truncated_after_its_time(lake, monkeypatch):
    monkeypatch.setattr(environment, "time_limit_s", lambda length_m: 0.079)
    lake.reset(seed=0)
    assert [lake.step(AHEAD)[3] for _ in range(2)] == [False, True]


def test_a_start_can_be_chosen(lake):
    _, info = lake.reset(seed=0, options={"start_m": 300, "speed_mph": 12})
    place = lake.unwrapped.world.place
    assert place.distance_m == pytest.approx(300, abs=1)
    assert (info["speed_mph"], info["distance_m"]) == (12, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 1}, "start_m and speed_mph, not start"),
        ({"start_m": -1}, "start_m must be a number from 0 to 1e[+]06, got -1"),
        ({"speed_mph": "fast"}, "speed_mph must be a number from 0 to 30.2, got 'fast'"),
        ({"speed_mph": float("nan")}, "got nan"),
    ],
)
def test_a_bad_start_is_refused(lake, options, message):
    with pytest.raises(ValueError, match=message):
        lake.reset(options=options)


def test_bad_actions_are_refused(lake):
    lake.reset(seed=0)
    driving = lake.unwrapped
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(1,\)"):
        driving.step(np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="steering must be a finite number"):
        driving.step(np.array([np.nan, 0], np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"track": "sea"}, "no track 'sea'"),
        ({"track": "random:fog"}, "no track 'random:fog'"),
        ({"laps": 0}, "laps must be above 0"),
        ({"cruise_mph": 99}, "cruise_mph must be None or from 1 to 30.2"),
        ({"render_mode": "human"}, 'render_mode must be None or "rgb_array"'),
        ({"camera": "front"}, "camera must be 'recording' or 'autonomous', got 'front'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        environment.DrivingEnv(**arguments)


@pytest.mark.slow
def test_an_agent_sees_with_the_camera_that_it_asks_for():
    frames = {}
    for camera in ("recording", "autonomous"):
        env = gymnasium.make(LAKE, camera=camera)
        frames[camera], _ = env.reset(seed=0)
        env.close()
    default = gymnasium.make(LAKE)
    assert np.array_equal(default.reset(seed=0)[0], frames["autonomous"])
    default.close()
    sky = {camera: np.argmin((frame[:, 160].astype(int) @ (-1, 0, 1)) > 20) for camera, frame in frames.items()}
    assert sky["recording"] - sky["autonomous"] == pytest.approx(3, abs=1), "the driven car looks further down"


def test_the_car_holds_its_speed_and_the_agent_steers():
    env = gymnasium.make(LAKE, cruise_mph=15)
    assert env.action_space.shape == (1,)
    env.reset(seed=0)
    expert = Expert(env.unwrapped.world, 15)
    speeds = [env.step(np.array([expert.steering()], np.float32))[4]["speed_mph"] for _ in range(200)]
    env.close()
    assert min(speeds[60:]) == pytest.approx(15, abs=0.5)
    assert max(speeds) == pytest.approx(15, abs=0.5)


@pytest.mark.slow
def test_episodes_can_start_anywhere():
    env = gymnasium.make(LAKE, random_start=True)
    env.reset(seed=0)
    places = []
    for _ in range(8):
        env.reset()
        places.append(env.unwrapped.world.place.distance_m)
    env.close()
    assert np.ptp(places) > 300


@pytest.mark.slow
def test_each_episode_has_another_random_road_in_the_same_weather():
    env = gymnasium.make("steering/RandomNight-v0")
    first, first_info = env.reset(seed=5)
    other, other_info = env.reset()
    again, again_info = env.reset(seed=5)
    env.close()
    assert first_info["track"] == again_info["track"] != other_info["track"]
    assert all(info["track"].endswith(":night") for info in (first_info, other_info))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_closed_environment_says_so_and_opens_again():
    env = environment.DrivingEnv(render_mode="rgb_array")
    with pytest.raises(ResetNeeded):
        env.render()
    env.reset(seed=0)
    env.close()
    env.close()
    with pytest.raises(ResetNeeded):
        env.step(AHEAD)
    env.reset(seed=0)
    env.close()
