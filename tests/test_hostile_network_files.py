"""ONNX and LiteRT files made to do harm are refused before a runtime sees them, or fail in a trial of their own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inference.engine import EngineError, open_engine
from inference.network_files import onnx_file, trial
from inference.network_files.onnx_file import check_onnx
from inference.network_files.onnx_network import OnnxNetwork
from inference.network_files.trial import try_once
from tests.network_files import litert, network, onnx_model, saved_onnx

SIZE = (160, 320)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which no file has passed its trial yet."""
    monkeypatch.setenv("STEERING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refusal(content: bytes) -> str:
    with pytest.raises(EngineError) as caught:
        check_onnx(content, "m.onnx")
    message = str(caught.value)
    assert message.startswith("m.onnx ")
    assert message.isprintable()
    return message


def external(location: str) -> TensorProto:
    """Weights that lie in another file."""
    tensor = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[3, 1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def branch(node: Any) -> Any:
    """One branch of an If."""
    return helper.make_graph([node], "branch", [], [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])])


def nested(depth: int) -> Any:
    """An If whose branch holds an If, and so on."""
    node = helper.make_node("Constant", [], ["out"], value=numpy_helper.from_array(np.float32([[0]])))
    for _ in range(depth):
        node = helper.make_node("If", ["condition"], ["out"], then_branch=branch(node))
    return node


def with_nodes(*nodes: Any) -> onnx.ModelProto:
    return onnx_model(nodes=nodes)


def edited(edit: Callable[[onnx.ModelProto], Any]) -> onnx.ModelProto:
    model = onnx_model()
    edit(model)
    return model


def loop() -> Any:
    return helper.make_node("Loop", ["", "", "image"], ["steering"], body=helper.make_graph([], "body", [], []))


HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    "outside file": (onnx_model(initializers=[external("/etc/passwd")]), "weights in another file"),
    "upward file": (onnx_model(initializers=[external("../../secret")]), "weights in another file"),
    "file beside it": (onnx_model(initializers=[external("model.onnx.data")]), "weights in another file"),
    "file of a node": (
        with_nodes(helper.make_node("Constant", [], ["steering"], value=external("/etc/passwd"))),
        "weights in another file",
    ),
    "library": (with_nodes(helper.make_node("Run", ["image"], ["steering"], domain="evil")), "operators of 'evil'"),
    "library of a branch": (
        with_nodes(
            helper.make_node(
                "If",
                ["image"],
                ["steering"],
                then_branch=branch(helper.make_node("Run", [], ["out"], domain="ai.onnx.contrib")),
            )
        ),
        "operators of 'ai.onnx.contrib'",
    ),
    "control characters": (
        with_nodes(helper.make_node("Run", [], ["steering"], domain="\x1b[31m\n" + "x" * 500)),
        r"operators of '\?\[31m\?x+'",
    ),
    "loop": (with_nodes(loop()), "'Loop', which may never end"),
    "deep": (with_nodes(nested(5)), "networks inside networks"),
    "very deep": (with_nodes(nested(30)), "networks inside networks"),
    "function": (
        edited(lambda model: model.functions.append(helper.make_function("f", "f", ["x"], ["y"], [], []))),
        "functions or a training",
    ),
    "training": (edited(lambda model: model.training_info.add()), "functions or a training"),
    "huge weights": (
        onnx_model(initializers=[TensorProto(name="w", data_type=1, dims=[1 << 40, 1 << 20])]),
        "1099511627776 x 1048576 numbers",
    ),
    "huge input": (onnx_model((1, 3, 1 << 30, 200)), "an input or output of 1 x 3 x 1073741824 x 200"),
    "huge output": (
        onnx_model(outputs=[helper.make_tensor_value_info("steering", TensorProto.FLOAT, [1, 1 << 40])]),
        "an input or output of 1 x 1099511627776",
    ),
    "many inputs": (
        onnx_model(inputs=[helper.make_tensor_value_info(f"i{n}", TensorProto.FLOAT, [1]) for n in range(1000)]),
        "more than 1000 inputs and outputs",
    ),
    "sparse": (edited(lambda model: model.graph.sparse_initializer.add()), "sparse weights"),
    "no network": (onnx.ModelProto(ir_version=8), "holds 0 networks"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_steering_network_does_not_need_is_refused(name: str) -> None:
    model, reason = HOSTILE[name]
    assert re.search(reason, refusal(model.SerializeToString()))


def test_a_harmless_branch_is_let_through() -> None:
    check_onnx(with_nodes(nested(2)).SerializeToString(), "m.onnx")


def test_two_networks_in_one_file_are_refused() -> None:
    """Protocol Buffers merges them, so the checked one would not be the one that runs."""
    content = onnx_model().SerializeToString()
    assert "2 networks" in refusal(content + content)


def test_the_runtimes_own_format_is_refused() -> None:
    assert "own format" in refusal(bytes(4) + b"ORTM" + bytes(100))


def test_floods_of_parts_and_bytes_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    assert "parts" in refusal(b"\x08\x01" * 2_000_000)
    assert "parts" in refusal(b"\x3a" + varint(4_000_000) + b"\x0a\x00" * 2_000_000)
    assert time.monotonic() - start < 10
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 1000)
    assert "at most 1,000" in refusal(bytes(1001))


def varint(value: int) -> bytes:
    """A number as Protocol Buffers writes it."""
    groups = []
    while value:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups[:-1], groups[-1] & 0x7F])


def test_truncated_and_random_bytes_are_refused_or_pass_but_raise_nothing_else() -> None:
    content = onnx_model().SerializeToString()
    rng = np.random.default_rng(4)
    refused = 0
    for length in range(len(content)):
        refused += is_refused(content[:length])
    for _ in range(400):
        broken = bytearray(content)
        for place in rng.integers(0, len(broken), 4):
            broken[place] = rng.integers(256)
        refused += is_refused(bytes(broken))
        refused += is_refused(rng.bytes(300))
    assert refused > len(content)


def is_refused(content: bytes) -> bool:
    try:
        check_onnx(content, "m.onnx")
    except EngineError:
        return True
    return False


@pytest.mark.parametrize(
    "nodes",
    [
        [
            helper.make_node("Add", ["image", "b"], ["a"]),
            helper.make_node("Neg", ["a"], ["b"]),
            helper.make_node("ReduceMean", ["b"], ["steering"], axes=[2, 3], keepdims=0),
        ],
        [helper.make_node("NoSuchOperator", ["image"], ["steering"])],
        [],
    ],
    ids=["cycle", "unknown operator", "nothing"],
)
def test_what_the_runtime_refuses_is_said_in_a_line_without_codes(nodes: Sequence[Any]) -> None:
    with pytest.raises(EngineError, match=r"^m.onnx is no ONNX model that ONNX Runtime can run: ") as caught:
        OnnxNetwork(onnx_model(nodes=nodes).SerializeToString(), "m.onnx", 1)
    assert "\n" not in str(caught.value)
    assert "ONNXRuntimeError" not in str(caught.value)


def huge() -> onnx.ModelProto:
    """A small file that asks for 4 TB."""
    shape = numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["ones"]),
        helper.make_node("ReduceMean", ["ones"], ["one"]),
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["answer"]),
        helper.make_node("Mul", ["answer", "one"], ["steering"]),
    ]
    return onnx_model(nodes=nodes, initializers=[shape])


@pytest.mark.slow
def test_a_bomb_ends_its_trial_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"m\.onnx (fails on a frame|is no ONNX model|made its runtime crash|needs)"):
        open_engine(saved_onnx(tmp_path / "m.onnx", huge()))


def test_a_trial_that_crashes_or_never_ends_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crash = subprocess.CompletedProcess([], -11, b"", b"")
    monkeypatch.setattr(trial, "run_module", lambda *_, **__: crash)
    with pytest.raises(EngineError, match="made its runtime crash in a trial"):
        try_once("litert", b"content", tmp_path / "m.tflite", SIZE)

    def never_ends(module: str, arguments: list[str], limit_s: float, content: bytes) -> None:
        raise subprocess.TimeoutExpired(module, limit_s)

    monkeypatch.setattr(trial, "run_module", never_ends)
    with pytest.raises(EngineError, match="did not answer a frame in 30 s"):
        try_once("litert", b"content", tmp_path / "m.tflite", SIZE)


def test_what_passed_is_tried_once_and_what_changed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = []

    def run(module: str, arguments: list[str], *_: object) -> subprocess.CompletedProcess[bytes]:
        trials.append(arguments)
        return subprocess.CompletedProcess(module, 0, b"", b"")

    monkeypatch.setattr(trial, "run_module", run)
    for content, size in ((b"one", SIZE), (b"one", SIZE), (b"two", SIZE), (b"two", (66, 200))):
        try_once("onnx", content, tmp_path / "m.onnx", size)
    assert len(trials) == 3


def test_a_trial_says_what_the_file_is_refused_for(tmp_path: Path) -> None:
    path = saved_onnx(tmp_path / "m.onnx", onnx_model(initializers=[external("/etc/passwd")]))
    with pytest.raises(EngineError, match=r"m\.onnx keeps weights in another file"):
        try_once("onnx", path.read_bytes(), path, SIZE)
    path = saved_onnx(tmp_path / "fine.onnx", onnx_model((1, 3, "rows", "columns")))
    try_once("onnx", path.read_bytes(), path, SIZE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets a process no limit of memory")
def test_a_litert_file_of_a_huge_image_is_refused(tmp_path: Path) -> None:
    content = litert(tmp_path / "m.tflite", network((66, 200, 3))).read_bytes()
    shape, huge_shape = (
        np.array([1, rows, columns, 3], "<i4").tobytes() for rows, columns in ((66, 200), (40000, 40000))
    )
    assert shape in content
    with pytest.raises(
        EngineError, match=r"m\.tflite (is no LiteRT model|needs more|fails on a frame|made its runtime)"
    ):
        try_once("litert", content.replace(shape, huge_shape), tmp_path / "m.tflite", SIZE)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts the trials' ends as Linux tells them")
def test_broken_litert_files_never_end_this_process(tmp_path: Path) -> None:
    """LiteRT crashes on about one of 200 files with wrong bytes: the trial takes the blow."""
    content = litert(tmp_path / "m.tflite", network((66, 200, 3))).read_bytes()
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(60):
        broken = np.frombuffer(content, np.uint8).copy()
        broken[rng.integers(8, len(broken), 8)] = rng.integers(0, 256, 8)
        try:
            try_once("litert", broken.tobytes(), tmp_path / "m.tflite", SIZE)
        except EngineError:
            refused += 1
    assert 10 < refused <= 60
