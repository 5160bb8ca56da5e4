"""The calls in a Lambda's function that are understood: by full name, with constant arguments.

A name stands for what it usually means: `tf` is TensorFlow, `K` is Keras' backend. If the file's author bound it to
something else, the network gets other layers than intended, but no code runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.keras_files.lambdas.image_steps import FormulaError, LambdaCrop, LambdaResize, LambdaStandardise, Mix
from models.keras_files.lambdas.marshalled_code import Slice
from models.keras_files.lambdas.symbols import Images, Name, computed, numbers, selected, whole

ALIASES = (
    ("tensorflow.", "tf."),
    ("K.tf.", "tf."),
    ("ktf.", "tf."),
    ("keras.backend.tf.", "tf."),
    ("keras.backend.tensorflow_backend.tf.", "tf."),
    ("tf.keras.", "keras."),
    ("keras.backend.", "K."),
    ("backend.", "K."),
    ("keras.ops.", "ops."),
    ("numpy.", "np."),
    ("tf.compat.v1.image.resize.", "tf.image.resize_images."),
    ("tf.compat.v1.", "tf."),
    ("tf.math.", "tf."),
)
"""Beginnings of names, and their replacements, which apply in this order."""

GREY = ((0.2989,), (0.587,), (0.114,))
"""tf.image.rgb_to_grayscale: factors by input channel."""

YUV = ((0.299, -0.14714119, 0.61497538), (0.587, -0.28886916, -0.51496512), (0.114, 0.43601035, -0.10001026))
"""tf.image.rgb_to_yuv: factors by input channel, then output channel; it adds no offset."""


MAX_SIDE = 1024
"""The largest number of rows or columns after a resizing."""


def known_call(name: str, positional: Sequence[object], keywords: Mapping[str, object]) -> object:
    """The result of calling `name`. Raises FormulaError, which says the name, for a call that is not understood."""
    function = CALLS.get(canonical_name(name))
    if function is None:
        raise FormulaError(f"it calls {name}")
    try:
        arguments = inspect.signature(function).bind(*positional, **keywords)
    except TypeError as error:
        raise FormulaError(f"it calls {name} with other arguments") from error
    try:
        return function(*arguments.args, **arguments.kwargs)
    except FormulaError as error:
        raise FormulaError(f"it calls {name}: {error}") from error


def canonical_name(name: str) -> str:
    """The name under which CALLS has a function."""
    path = f"{name}."
    for beginning, replacement in ALIASES:
        if path.startswith(beginning):
            path = replacement + path.removeprefix(beginning)
    return path.removesuffix(".")


def _images(value: object) -> Images:
    if not isinstance(value, Images):
        raise FormulaError("not on the Lambda's images")
    return value


def _only(value: object, *values: object) -> None:
    """Refuse an argument that would change the result."""
    text = canonical_name(value.path) if isinstance(value, Name) else value
    if not any(type(text) is type(other) and text == other for other in values):
        raise FormulaError("with an argument that is not supported")


def _size(size: object) -> tuple[int, int]:
    if not isinstance(size, tuple) or len(size) != 2:
        raise FormulaError("its size is not constant")
    rows, columns = map(whole, size)
    if not 0 < rows <= MAX_SIDE or not 0 < columns <= MAX_SIDE:
        raise FormulaError("its size is out of range")
    return rows, columns


def _bilinear(method: object) -> None:
    _only(method, "bilinear", 0, "tf.image.ResizeMethod.BILINEAR")


def _resize(
    images: object,
    size: object,
    method: object = "bilinear",
    preserve_aspect_ratio: object = False,
    antialias: object = False,
    name: object = None,
) -> Images:
    """tf.image.resize of TensorFlow 2."""
    _bilinear(method)
    _only(preserve_aspect_ratio, False)
    _only(antialias, False)
    return _images(images).after(LambdaResize(*_size(size), centred=True))


def _ops_resize(images: object, size: object, interpolation: object = "bilinear", antialias: object = False) -> Images:
    """keras.ops.image.resize."""
    return _resize(images, size, interpolation, False, antialias)


def _resize_images(
    images: object,
    size: object,
    method: object = 0,
    align_corners: object = False,
    preserve_aspect_ratio: object = False,
    name: object = None,
) -> Images:
    """tf.image.resize_images of TensorFlow 1; before 1.0 the rows and columns were two arguments."""
    if type(size) is int and type(method) is int and method > 0:
        size, method = (size, method), 0
    _bilinear(method)
    _only(align_corners, False)
    _only(preserve_aspect_ratio, False)
    return _images(images).after(LambdaResize(*_size(size), centred=False))


def _resize_bilinear(
    images: object, size: object, align_corners: object = False, name: object = None, half_pixel_centers: object = False
) -> Images:
    """tf.image.resize_bilinear of TensorFlow 1."""
    _only(half_pixel_centers, False)
    return _resize_images(images, size, 0, align_corners)


def _crop(
    image: object, offset_height: object, offset_width: object, target_height: object, target_width: object
) -> Images:
    """tf.image.crop_to_bounding_box."""
    top, left, height, width = map(whole, (offset_height, offset_width, target_height, target_width))
    if min(top, left) < 0 or min(height, width) < 1:
        raise FormulaError("its box is out of range")
    return _images(image).after(LambdaCrop((top, top + height), (left, left + width)))


def _cast(x: object, dtype: object = "float32", name: object = None) -> Images:
    """A cast of images that are floats already."""
    _only(dtype, "float32", "tf.float32")
    return _images(x)


def _constant(value: object, dtype: object = "float32", *_: object, **__: object) -> tuple[float, ...] | float:
    _only(dtype, "float32", "tf.float32", "np.float32")
    values = numbers(value)
    return values if isinstance(value, tuple) else values[0]


def _reverse(x: object, axis: object) -> Images:
    """tf.reverse or K.reverse along the channels."""
    if axis not in (-1, 3, (-1,), (3,)):
        raise FormulaError("along another axis than the channels")
    return selected(_images(x), Slice(None, None, -1))


def _arithmetic(sign: str) -> Callable[..., object]:
    def call(x: object, y: object, name: object = None) -> object:
        return computed(sign, x, y)

    return call


def _mixing(notation: str, kernel: tuple[tuple[float, ...], ...]) -> Callable[..., object]:
    def call(images: object, name: object = None) -> Images:
        return _images(images).after(Mix(notation, kernel))

    return call


def _standardise(image: object) -> Images:
    return _images(image).after(LambdaStandardise())


def _negative(x: object, name: object = None) -> object:
    return computed("*", x, -1)


def _identity(x: object, name: object = None) -> Images:
    return _images(x)


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    f"{module}.{name}": _arithmetic(sign)
    for module in ("tf", "ops")
    for sign, names in {
        "+": ("add",),
        "-": ("subtract", "sub"),
        "*": ("multiply", "mul"),
        "/": ("divide", "truediv", "true_divide", "div"),
    }.items()
    for name in names
}

CALLS: dict[str, Callable[..., Any]] = {
    **_ARITHMETIC,
    "tf.image.resize": _resize,
    "ops.image.resize": _ops_resize,
    "tf.image.resize_images": _resize_images,
    "tf.image.resize_bilinear": _resize_bilinear,
    "tf.image.crop_to_bounding_box": _crop,
    "tf.image.per_image_standardization": _standardise,
    "tf.image.rgb_to_grayscale": _mixing("grey({})", GREY),
    "tf.image.rgb_to_yuv": _mixing("yuv({})", YUV),
    "tf.image.convert_image_dtype": _cast,
    "tf.cast": _cast,
    "K.cast": _cast,
    "ops.cast": _cast,
    "tf.to_float": _identity,
    "tf.identity": _identity,
    "tf.constant": _constant,
    "K.constant": _constant,
    "np.array": _constant,
    "np.float32": _constant,
    "tf.reverse": _reverse,
    "K.reverse": _reverse,
    "tf.negative": _negative,
}
"""The functions by canonical name, with their parameters as TensorFlow and Keras have them."""
