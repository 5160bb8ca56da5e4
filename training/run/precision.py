"""Training uses bfloat16 where the processor multiplies it, because it is faster there, and float32 elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

PRECISIONS = ("float32", "mixed_bfloat16")
"""Keras' names of the precisions. Weights and saved files are float32 in both."""

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""Linux's names of the instructions, on x86 and on ARM."""

CPU_INFO = Path("/proc/cpuinfo")


def add_precision(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add `--precision`, whose parsed value is one of PRECISIONS."""
    parser.add_argument(
        "--precision",
        type=_parse_precision,
        choices=PRECISIONS,
        default="auto",
        metavar="{auto,float32,mixed_bfloat16}",
        help="precision of the arithmetic: mixed_bfloat16 is faster on processors, and on NVIDIA GPUs of compute"
        " capability 8.0 or later, that multiply it, and slow on others; auto asks the processor",
    )


def fast_precision(cpu_info: Path = CPU_INFO) -> str:
    """Return this processor's faster precision; "float32" where the system does not say, as on Windows and macOS."""
    try:
        cpu_flags = set(cpu_info.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return "float32"
    return "mixed_bfloat16" if cpu_flags & BFLOAT16_FLAGS else "float32"


def _parse_precision(text: str) -> str:
    return fast_precision() if text == "auto" else text
