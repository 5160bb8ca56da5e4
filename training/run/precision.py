"""In which arithmetic to train: half as many bits are twice as fast, but only where the processor multiplies them."""

from __future__ import annotations

import argparse
from pathlib import Path

PRECISIONS = ("float32", "mixed_bfloat16")
"""Keras' names. Weights, and what is saved, are float32 in both."""

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls the instructions, on x86 and on ARM."""

CPU_INFO = Path("/proc/cpuinfo")


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Add `--precision`, whose value is one of PRECISIONS in the end."""
    parser.add_argument(
        "--precision",
        type=_chosen,
        choices=PRECISIONS,
        default="auto",
        metavar="{auto,float32,mixed_bfloat16}",
        help="of the arithmetic: mixed_bfloat16 is twice as fast on a processor, or an NVIDIA GPU from 8.0 on, that has"
        " it, and slow to emulate on one that has not; auto looks at the processor",
    )


def fast_precision(cpu_info: Path = CPU_INFO) -> str:
    """The faster one on this processor; "float32" too where the system does not tell, as on Windows and macOS."""
    try:
        words = set(cpu_info.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return "float32"
    return "mixed_bfloat16" if words & BFLOAT16_FLAGS else "float32"


def _chosen(text: str) -> str:
    return fast_precision() if text == "auto" else text
