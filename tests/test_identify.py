"""Which pixels a network wants is found from the steering of a driver, and said when nothing follows it."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from models.adapter.pixel_card import pixels_of
from models.identify.__main__ import main
from models.identify.candidates import SCALES, Candidate, coarse, rarity, usual, variations
from models.identify.evidence import FRAMES_OF_STRETCH, agreement, correlation, read_evidence
from models.identify.network import KerasNetwork
from models.identify.search import Search
from models.preprocessing.written import read_written
from tests.model_files import saved
from tests.steered_by_red import balancing_network, steered_recording

STRETCHES = 15
"""Of the recording's seconds: few, because each try computes every frame."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steered_recording(tmp_path_factory.mktemp("recording"))


def balancing(path: Path, channel: int, factor: float = 2.0) -> Path:
    return saved(balancing_network(channel, factor), path)


@pytest.fixture(scope="module")
def evidence(recording: Path):
    return read_evidence([recording], stretches=STRETCHES)


def best_for(model: Path, evidence):
    search = Search(KerasNetwork(model), evidence, lambda: None)
    return search, search.run()


def test_the_colour_the_output_and_the_sign_are_found(evidence, tmp_path: Path) -> None:
    """The second of two outputs steers, mirrored, by the channel that is red in BGR."""
    inputs = keras.Input((66, 200, 3))
    x = layers.Flatten()(layers.AveragePooling2D((66, 100))(inputs))
    throttle, steering = layers.Dense(1, name="throttle"), layers.Dense(1, name="steering")
    model = keras.Model(inputs, [throttle(x), steering(x)])
    throttle.set_weights([np.zeros((6, 1)), np.full(1, 0.3)])
    steering.set_weights([np.array([0, 0, -2, 0, 0, 2])[:, None], np.zeros(1)])
    search, best = best_for(saved(model, tmp_path / "two.keras"), evidence)
    assert best.candidate.colour == "bgr"
    assert best.text(search.outputs).endswith("steer=-1, output=1")
    assert best.agreement.correlation > 0.99
    assert best.agreement.size == pytest.approx(1, abs=0.3), "scale=1/255"
    other = search.runner_up(best)
    assert other is not None
    assert other.score < best.score


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "expected"), [(50.0, "steer=1/25"), (-50.0, "steer=-1/25")])
def test_answers_in_degrees_are_found_also_mirrored(factor: float, expected: str, evidence, tmp_path: Path) -> None:
    search, best = best_for(balancing(tmp_path / "model.h5", 0, factor), evidence)
    assert best.factor == expected
    assert best.text(search.outputs).endswith(expected)


def test_evidence_is_spread_over_the_recording(evidence) -> None:
    assert len(evidence.frames) == STRETCHES * FRAMES_OF_STRETCH
    assert len(evidence.means) == STRETCHES
    single = evidence.one_of_each()
    assert len(single.frames) == STRETCHES
    np.testing.assert_array_equal(single.frames, evidence.frames[single.numbers])


def test_a_log_that_lags_is_told(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "IMG").symlink_to(recording / "IMG")
    lines = [line.split(",") for line in (recording / "driving_log.csv").read_text().splitlines()]
    lag = 3
    delayed_lines = [[*line[:3], lines[max(0, i - lag)][3], *line[4:]] for i, line in enumerate(lines)]
    (tmp_path / "driving_log.csv").write_text("\n".join(map(",".join, delayed_lines)) + "\n")
    evidence = read_evidence([tmp_path], STRETCHES)
    search = Search(KerasNetwork(balancing(tmp_path / "model.h5", 0)), evidence, lambda: None)
    best = search._try(Candidate((60, 135), (0, 320), (66, 200), "rgb", "scale=1/255"), evidence)
    rows, with_delay = search.delay(best)
    assert rows == lag
    assert with_delay > 0.99 > best.agreement.correlation


def test_agreement_limits_answers_as_a_drive_does(evidence) -> None:
    perfect = agreement(evidence.human, evidence)
    assert (perfect.correlation, perfect.size, perfect.offset) == pytest.approx((1, 1, 0), abs=1e-6)
    assert perfect.score == pytest.approx(1)
    assert agreement(evidence.human * 1000, evidence).size < 5
    assert agreement(np.full_like(evidence.human, np.nan), evidence).correlation == 0
    half_lock_left = agreement(evidence.human / 4 - 0.9, evidence)
    assert half_lock_left.score < perfect.score - 0.2
    assert correlation(np.zeros(5), np.arange(5.0)) == 0


@pytest.mark.parametrize("shape", [(66, 200, 3), (64, 64, 1), (160, 320, 3), (80, 320, 3)])
def test_every_candidate_makes_the_network_s_input(shape: tuple[int, int, int]) -> None:
    start = usual(shape, SCALES)
    varied = [vary(start) for vary in variations(SCALES)]
    candidates = [one for group in (*coarse(shape, SCALES), *varied) for one in group]
    for one in candidates:
        assert read_written(one.text).output_shape == shape, one.text


def test_a_network_that_scales_its_pixels_is_given_bytes() -> None:
    shape = (66, 200, 3)
    varied = [vary(usual(shape, [""])) for vary in variations([""])]
    assert {one.scale for group in (*coarse(shape, [""]), *varied) for one in group} == {""}


def test_the_usual_is_the_least_rare() -> None:
    for shape in ((66, 200, 3), (64, 64, 3), (32, 32, 1)):
        first = usual(shape, SCALES)
        assert all(rarity(first) <= rarity(one) for group in coarse(shape, SCALES) for one in group)


def test_like_means_about_the_same_pixels() -> None:
    one = Candidate((60, 135), (0, 320), (66, 200), "yuv", "scale=1/255")
    assert one.is_like(Candidate((65, 140), (0, 320), (66, 200), "yuv", "scale=1/255", blur=True))
    assert not one.is_like(Candidate((60, 135), (0, 320), (66, 200), "rgb", "scale=1/255"))
    assert not one.is_like(Candidate((20, 135), (0, 320), (66, 200), "yuv", "scale=1/255"))


def test_a_driver_who_never_steers_and_a_short_drive_are_no_evidence(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "IMG").symlink_to(recording / "IMG")
    lines = (recording / "driving_log.csv").read_text().splitlines()
    straight = [",".join([*line.split(",")[:3], "0", "0.5", "0", "15"]) for line in lines]
    (tmp_path / "driving_log.csv").write_text("\n".join(straight) + "\n")
    with pytest.raises(ValueError, match="hardly steers"):
        read_evidence([tmp_path])
    (tmp_path / "driving_log.csv").write_text("\n".join(lines[:20]) + "\n")
    with pytest.raises(ValueError, match="at least 10 s"):
        read_evidence([tmp_path])


@pytest.mark.slow
def test_the_command_writes_a_card_that_is_obeyed(recording: Path, tmp_path: Path, capsys) -> None:
    model = balancing(tmp_path / "model.h5", 2)
    assert main([str(model), str(recording), "--write", "--json", str(tmp_path / "tries.json")]) == 0
    printed = capsys.readouterr().out
    facts = json.loads((tmp_path / "tries.json").read_text())
    text = facts["best"]["preprocess"]
    assert "colour=bgr" in text
    assert f'--preprocess "{text}"' in printed
    assert facts["best"]["correlation"] > 0.99
    assert len(facts["tries"]) > 50
    assert pixels_of(model) == text


@pytest.mark.slow
def test_the_command_says_when_none_stands_out(recording: Path, tmp_path: Path, capsys) -> None:
    keras.utils.set_random_seed(2)
    noise = keras.Sequential([keras.Input((66, 200, 3)), layers.GlobalAveragePooling2D(), layers.Dense(1)])
    model = saved(noise, tmp_path / "model.h5")
    assert main([str(model), str(recording), "--write"]) == 1
    assert "None stands out" in capsys.readouterr().out
    assert pixels_of(model) is None
    assert main([str(tmp_path / "none.h5"), str(recording)]) == 2
