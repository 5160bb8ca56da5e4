"""The compiled functions of `compiled_lambdas.json`, and what is read of their bytes."""

from __future__ import annotations

import base64
import json
import marshal
from pathlib import Path

from models.keras_files.lambdas.reading import LambdaReading, read_lambda
from tests.lambda_sources import function_of

COMPILED: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("compiled_lambdas.json").read_text())
CASES = [(version, name) for version, parts in COMPILED.items() for name in parts]


def reading(data: bytes, defaults: list[float] | None = None) -> LambdaReading:
    return read_lambda({"function": [base64.b64encode(data).decode("ascii"), defaults, None]})


def bytes_of(version: str, name: str) -> bytes:
    return base64.b64decode(COMPILED[version][name])


def read_case(version: str, name: str) -> LambdaReading:
    return reading(bytes_of(version, name), [127.5, 1.0] if name == "defaults" else None)


def compiled(source: str) -> bytes:
    return marshal.dumps(function_of(source, {}).__code__)
