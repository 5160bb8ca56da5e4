"""Checks that an object in a file is of one of Keras' own classes, before its settings are read."""

from __future__ import annotations

from typing import Any

from models.keras_files.calls import short
from models.keras_files.weights import ModelFileError

KERAS_MODULES = ("keras.", "tf_keras.", "tensorflow.keras.", "tensorflow.python.keras.")
FUNCTION_MODULES = (*KERAS_MODULES, "tensorflow.", "builtins.")


def require_keras_class(name: str, kind: str, serialised: dict[str, Any]) -> None:
    """Raise ModelFileError, which names the layer, for a class that a file's author has registered.

    Files before Keras 2.13 name no module. Keras 3 gives its models the module `keras`, its layers `keras.layers`.
    """
    registered = serialised.get("registered_name")
    module = serialised.get("module") or "keras.layers"
    if registered not in (None, kind) or not f"{module}.".startswith(KERAS_MODULES):
        raise ModelFileError(f"layer {short(name)} is a custom class ({short(registered or module)}): never loaded")


def inner_layer(name: str, serialised: Any) -> tuple[str, dict[str, Any]]:
    """The class and settings of a layer in another layer's settings. Raises ModelFileError unless it is Keras' own."""
    kind = serialised.get("class_name") if isinstance(serialised, dict) else None
    config = serialised.get("config") if isinstance(serialised, dict) else None
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise ModelFileError(f"layer {short(name)} contains {short(serialised)}, which is not a layer")
    require_keras_class(name, kind, serialised)
    return kind, config


def function_name(name: str, serialised: dict[str, Any]) -> Any:
    """The name in a function's entry, `{"class_name": "function", "config": "relu6"}`, which selects a built-in one.

    Raises ModelFileError for a function of the file's author.
    """
    module = serialised.get("module") or "builtins"
    registered = serialised.get("registered_name")
    if not f"{module}.".startswith(FUNCTION_MODULES) or registered not in (None, "function", serialised.get("config")):
        raise ModelFileError(
            f"layer {short(name)} calls a function of the file's author, {short(registered or module)}"
        )
    return serialised.get("config")
