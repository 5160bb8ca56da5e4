"""Joins a cluster of Ray, or starts one on this computer, and sends this project's code to its computers.

Ray itself trusts everybody who reaches its ports: docs/cluster.md says what that means.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import socket
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from protocol.command_line import plain

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = ("protocol", "models", "inference", "film", "simulator", "training")
"""The packages that every computer of the cluster gets: they have the same code, whatever lies on their disks."""

NOT_CODE = ["*.h5", "*.tflite", "__pycache__"]
AUTO = "auto"
CLIENT = "ray://"
ANSWER_S = 5.0


class ClusterError(RuntimeError):
    """No cluster can be used; the message tells why, and what to do."""


def cluster_address(text: str) -> str:
    """A parser for add_argument: `auto`, HOST:PORT or ray://HOST:PORT."""
    try:
        parts = urlsplit(f"//{text.removeprefix(CLIENT)}")
        is_address = bool(parts.hostname and parts.port) and not (parts.path or parts.query or parts.username)
    except ValueError:
        is_address = False
    if text != AUTO and not is_address:
        raise argparse.ArgumentTypeError(f"a cluster is auto, HOST:PORT or ray://HOST:PORT, got {text!r}")
    return text


@contextlib.contextmanager
def ray_cluster(address: str, cores: int, code: Sequence[str] = CODE) -> Iterator[None]:
    """Let the block use the cluster at an address that `cluster_address` takes. Raises ClusterError.

    cores: of the Ray that starts on this computer where `auto` finds none; it ends with the block.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers of each start
    try:
        import ray  # noqa: PLC0415 - the only users of Ray are those who ask for it
    except ImportError:
        raise ClusterError("--ray needs Ray: pip install -r requirements-cluster.txt") from None
    if address != AUTO:
        _check_answer(address)
    options: dict[str, Any] = {
        "runtime_env": {"py_modules": [str(ROOT / name) for name in code], "excludes": NOT_CODE},
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of changes that Ray plans
            try:
                ray.init(address, **options)
            except ConnectionError:
                if address != AUTO:
                    raise
                ray.init("local", num_cpus=cores, include_dashboard=False, **options)
    except Exception as error:  # Ray raises errors of a dozen kinds here
        advice = "" if "RAY_AUTH_MODE" in os.environ else "; a cluster with a token needs RAY_AUTH_MODE=token"
        raise ClusterError(f"Ray at {address} cannot be used: {plain(error)}{advice}") from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_answer(address: str) -> None:
    """Raises ClusterError where nothing listens: Ray itself would try for a minute, and then end this process."""
    parts = urlsplit(f"//{address.removeprefix(CLIENT)}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), ANSWER_S).close()
    except OSError as error:
        advice = "`ray start --head` on the cluster's first computer prints the address"
        raise ClusterError(f"no cluster answers at {address} ({error.strerror or error}); {advice}") from None
