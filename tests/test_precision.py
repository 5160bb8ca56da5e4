"""The arithmetic of a training is what the processor is fast in."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training.run import precision
from training.run.precision import add_precision, fast_precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu sse2 avx2 fma", "float32"),
        ("flags : fpu avx2 avx512f avx512_vnni", "float32"),
        ("flags : fpu avx512f avx512_bf16 amx_tile", "mixed_bfloat16"),
        ("Features : fp asimd bf16 i8mm", "mixed_bfloat16"),
    ],
)
def test_bfloat16_where_the_processor_has_it(flags, expected, tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor : 0\n{flags}\n")
    assert fast_precision(info) == expected


def test_float32_where_the_system_does_not_tell(tmp_path):
    assert fast_precision(tmp_path / "none") == "float32"


def test_the_command_line_names_one_of_keras(monkeypatch, capsys):
    parser = argparse.ArgumentParser()
    add_precision(parser)
    monkeypatch.setattr(precision, "fast_precision", lambda: "mixed_bfloat16")
    assert parser.parse_args([]).precision == parser.parse_args(["--precision", "auto"]).precision == "mixed_bfloat16"
    assert parser.parse_args(["--precision", "float32"]).precision == "float32"
    with pytest.raises(SystemExit):
        parser.parse_args(["--precision", "float8"])
    assert "float8" in capsys.readouterr().err


@pytest.mark.parametrize(("environment", "expected"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
def test_training_has_tensorflows_fast_kernels_unless_told_otherwise(environment, expected):
    plain = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    code = "import os, training; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    root = Path(__file__).parent.parent
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env={**plain, **environment}, capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == expected
