"""Night and rain: what they do to the picture, that equal drives stay equal, and that names say them plainly."""

import numpy as np
import pytest

from simulator.render.eye import pose_on
from simulator.render.scene import Scene
from simulator.world.track import open_track
from simulator.world.track_world import TrackWorld

LAKE = open_track("lake")
STRAIGHT = round(640 / LAKE.spacing_m)
PLACE = pose_on(LAKE, STRAIGHT)
ROAD_AHEAD, VERGE, SKY = np.s_[95:110, 130:190], np.s_[85:100, 0:20], np.s_[2:20, 40:280]


@pytest.fixture(scope="module")
def scenes(scene):
    """The lake in each weather."""
    drawn = {"clear": scene} | {weather: Scene(open_track(f"lake:{weather}")) for weather in ("night", "rain")}
    yield drawn
    for weather in ("night", "rain"):
        drawn[weather].close()


@pytest.fixture(scope="module")
def frames(scenes):
    """The same place in each weather, as float64."""
    return {weather: drawn.render(PLACE, time_s=1.0).astype(float) for weather, drawn in scenes.items()}


def test_nights_are_dark_and_rain_is_dull(frames):
    light = {weather: frame.mean() for weather, frame in frames.items()}
    assert light["night"] < 0.5 * light["clear"]
    assert light["rain"] < 0.95 * light["clear"]
    assert frames["night"][SKY].mean() < 40
    assert np.ptp(frames["rain"][SKY].mean((0, 1))) < 16 < np.ptp(frames["clear"][SKY].mean((0, 1))), "a grey sky"


def test_by_night_the_road_in_the_headlights_is_brightest(frames):
    share = frames["night"].mean(2) / frames["clear"].mean(2).clip(1)
    assert share[ROAD_AHEAD].mean() > 0.6
    assert share[VERGE].mean() < 0.5 * share[ROAD_AHEAD].mean()
    assert share[SKY].mean() < 0.25 * share[ROAD_AHEAD].mean()


def test_rain_veils_what_is_far(frames):
    """Trees against the sky lose their contrast; the asphalt before the car keeps its grain."""

    def contrast(weather, rows):
        return frames[weather][rows, 100:220].mean(2).std()

    far, near = slice(50, 62), slice(115, 130)
    assert contrast("rain", far) < 0.5 * contrast("clear", far)
    assert contrast("rain", near) > 0.5 * contrast("clear", near)


def test_a_wet_road_mirrors_the_sky(frames):
    """At a glance the asphalt takes the sky's light; from above it is dark."""
    rain = frames["rain"].mean(2)
    assert rain[72:80, 140:180].mean() > rain[120:130, 140:180].mean() + 15


@pytest.mark.parametrize("weather", ["night", "rain"])
def test_equal_times_give_equal_pictures(scenes, weather):
    drawn = scenes[weather]
    anew = Scene(open_track(f"lake:{weather}"))
    pictures = [each.render(PLACE, time_s=2.5).tobytes() for each in (drawn, anew)]
    behind = [each.render_behind(PLACE, 0.0, time_s=2.5).tobytes() for each in (drawn, anew)]
    anew.close()
    assert pictures[0] == pictures[1]
    assert behind[0] == behind[1]


def test_drops_fall_from_frame_to_frame(scenes):
    pictures = {weather: [scenes[weather].render(PLACE, time_s=t) for t in (0.0, 0.05)] for weather in scenes}
    for weather, (first, second) in pictures.items():
        assert np.array_equal(first, second) == (weather != "rain"), weather
    changed = np.abs(pictures["rain"][0].astype(int) - pictures["rain"][1]).max(2) > 3
    assert 0.003 < changed.mean() < 0.1, "streaks, and nothing else"


def test_a_drive_through_the_rain_can_be_repeated(scenes):
    def drive():
        world = TrackWorld(open_track("lake:rain"), scenes["rain"], 1, seed=3)
        frames = []
        for _ in range(3):
            world.step(0.05)
            frames.append(world.frame().tobytes())
        return frames

    assert drive() == drive()
    assert len(set(drive())) == 3


def test_from_behind_the_headlights_light_the_road_and_not_the_car(scenes):
    day, night = (scenes[weather].render_behind(PLACE, 0.0).astype(float) for weather in ("clear", "night"))
    red = (day[..., 0] > day[..., 1] + 60) & (day[..., 0] > day[..., 2] + 60)
    share = night.mean(2) / day.mean(2).clip(1)
    assert np.median(share[red]) < 0.2
    assert share[72:88, 124:196].max() > 0.6, "the road before it"
    assert share[140:, 100:220].mean() < 0.25, "not the road behind it"
    assert share[red].max() > 0.9, "its rear lamps shine"


@pytest.mark.slow
def test_a_scene_changes_its_weather(scenes):
    changed = Scene(open_track("lake:night"))
    changed.show(LAKE)
    assert np.array_equal(changed.render(PLACE), scenes["clear"].render(PLACE))
    changed.show(open_track("lake:rain"))
    assert np.array_equal(changed.render(PLACE), scenes["rain"].render(PLACE))
    changed.close()


def test_a_larger_picture_shows_the_same_night(scenes):
    small, large = (scenes["night"].render(PLACE, scale=scale).astype(float) for scale in (1, 2))
    assert np.abs(large.reshape(160, 2, 320, 2, 3).mean((1, 3)) - small).mean() < 6


@pytest.mark.parametrize(
    ("name", "road", "weather"),
    [("lake", "lake", "clear"), ("mountain:night", "mountain", "night"), ("random:7:rain", "random:7", "rain")],
)
def test_a_name_has_a_road_and_a_weather(name, road, weather):
    track = open_track(name)
    assert (track.name, track.road, track.weather) == (name, road, weather)
    assert np.array_equal(track.points, open_track(road).points)
    assert track.reversed().weather == weather


@pytest.mark.parametrize(
    "name",
    ["lake:fog", "lake:clear", "lake:night:rain", "night", ":rain", "random:rain", "lake:", "udacity-lake:night"],
)
def test_another_weather_is_refused(name):
    with pytest.raises(ValueError, match=f"no track '{name}'.*each also with :night or :rain"):
        open_track(name)
