"""Opens a network file on the runtime of its kind."""

from __future__ import annotations

from inference.network_files.litert import LiteRtNetwork
from inference.network_files.onnx_network import OnnxNetwork
from inference.network_files.tensors import Network
from models.keras_files.file_kinds import ModelKind

PACKAGES = {"litert": "ai-edge-litert", "onnx": "onnxruntime"}
"""The package of each kind's runtime."""


def open_network(kind: ModelKind, content: bytes, name: str, threads: int) -> Network:
    """The network of a file's bytes. name: for messages; threads: of the runtime. Raises EngineError."""
    return OnnxNetwork(content, name, threads) if kind == "onnx" else LiteRtNetwork(content, name, threads)
