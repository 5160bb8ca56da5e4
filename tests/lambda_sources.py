"""The functions whose bytes are in `compiled_lambdas.json`; any Python from 2.7 on runs this file.

`pythonX.Y tests/lambda_sources.py` prints that version's part of the file, as one line of JSON: for each name,
`marshal.dumps` of the function's code object in base64. The file has only some functions of each version.
"""

import binascii
import marshal
import sys

SOURCES = {
    "one": "lambda x: x / 127.5 - 1.",
    "half": "lambda x: x / 255.0 - 0.5",
    "unit": "lambda x: x / 255",
    "doubled": "lambda x: 2 * (x / 255 - 0.5)",
    "other constants": "lambda p: -0.1 + p * 0.2 / 255.0",
    "centred": "lambda x: (x - 128.0) / 128.0",
    "reversed": "lambda x: 1 - x / 255",
    "negative": "lambda x: -x / 255 + 1",
    "folded": "lambda x: (x - 127.5) / (255 / 2.)",
    "integers": "lambda x: x * (1 / 2) + 7 // 2",
    "power": "lambda x: x * 2 ** -8",
    "in place": "def f(x):\n    x /= 255.\n    x -= 0.5\n    x *= 2\n    return x\n",
    "identity": "lambda x: x",
    "many constants": "lambda x: x + 1.5 - 2.5 + 3.5 - 4.5 * 5.5 / 6.5 + 300 - 70000 * 8",
    "channels": "lambda x: (x - [103.939, 116.779, 123.68]) / 255",
    "rows": "lambda p: p[:, 60:134]",
    "rows from the end": "lambda x: x[:, 60:-25, :, :]",
    "crop and scale": "lambda x: x[:, 50:140, 10:-10, :] / 255. - .5",
    "scale and crop": "lambda x: (x / 255.0 - 0.5)[:, 70:]",
    "exchanged": "lambda x: x[..., ::-1]",
    "red": "lambda x: x[:, :, :, 0:1] / 255.",
    "resize": "lambda x: tf.image.resize(x, (66, 200))",
    "resize by name": "lambda x: tf.image.resize(x, size=[66, 200], method='bilinear') / 255.",
    "old resize": "lambda x: tf.image.resize_images(x, (32, 64)) / 127.5 - 1",
    "oldest resize": "lambda x: K.tf.image.resize_images(x, 32, 64)",
    "imported": (
        "def f(x):\n    from keras.backend import tf as ktf\n    return ktf.image.resize_images(x, (66, 200))\n"
    ),
    "resize and normalise": (
        "def f(image):\n    import tensorflow as tf\n"
        "    resized = tf.image.resize_images(image, (32, 64))\n"
        "    resized = resized/255.0 - 0.5\n    return resized\n"
    ),
    "unpacked": (
        "def resize(img):\n    import tensorflow as tf\n    rows, columns, channels = 66, 200, 3\n"
        "    return tf.image.resize_images(img, (rows, columns))\n"
    ),
    "submodule": "def f(x):\n    import keras.backend as K\n    return K.cast(x, 'float32') / 255\n",
    "cast": "lambda x: tf.cast(x, tf.float32) / 255.",
    "backend cast": "lambda x: K.cast(x, dtype='float32') / 127.5 - 1",
    "grey": "lambda x: tf.image.rgb_to_grayscale(x) / 255",
    "standardised": "lambda x: tf.image.per_image_standardization(x)",
    "functions": "lambda x: tf.subtract(tf.divide(x, 127.5), 1.0)",
    "box": "lambda x: tf.image.crop_to_bounding_box(x, 60, 0, 74, 320)",
    "defaults": "lambda x, a=127.5, b=1.0: x / a - b",
    "contrast": "lambda x: tf.image.adjust_contrast(x[:, 60:134], 2.)",
    "unknown name": "lambda x: x / SCALE - 1",
    "branch": "lambda x: x / 255 if x is not None else x",
    "loop": "def f(x):\n    for i in range(3):\n        x = x / 2\n    return x\n",
    "exception": "def f(x):\n    try:\n        return x / 2\n    except ValueError:\n        return x\n",
    "whole division": "lambda x: x // 2",
    "square": "lambda x: x * x",
    "payload": "lambda x: (open('/tmp/ran', 'w').close(), x / 127.5 - 1.0)[1]",
    "attribute": "lambda x: x.astype('float32') / 255",
    "inner function": "lambda x: (lambda y: y / 255)(x)",
    "one row": "lambda x: x[:, 3]",
    "all arguments": "lambda *x: x[0] / 255",
    "comparison": "lambda x: x > 3",
    "constant": "lambda x: 3.0",
}
"""A lambda expression, or the definition of `f`."""


def function_of(source, names):
    """The function that a source defines, with the names it may use."""
    if source.startswith("def"):
        exec(source, names)
        return names[source[4 : source.index("(")]]
    return eval(source, names)


if __name__ == "__main__":
    parts = []
    for name in sorted(SOURCES):
        data = marshal.dumps(function_of(SOURCES[name], {}).__code__)
        parts.append('"{}": "{}"'.format(name, binascii.b2a_base64(data).decode("ascii").strip()))
    print('"{}.{}": {{{}}}'.format(sys.version_info[0], sys.version_info[1], ", ".join(parts)))
