"""Camera pictures are read, and distrusted: nothing but ProtocolError comes of a broken one."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from protocol.errors import ProtocolError
from protocol.images import decode_image
from tests.conftest import jpeg_of, road_frame


def test_png_grey_and_double_size_frames_are_read():
    for image in (jpeg_of(road_frame(), "PNG"), jpeg_of(road_frame().repeat(2, 0).repeat(2, 1), "PNG")):
        frame = decode_image(image)
        np.testing.assert_array_equal(frame, road_frame())
    file = io.BytesIO()
    Image.fromarray(road_frame()).convert("L").save(file, "JPEG")
    assert decode_image(file.getvalue()).shape == (160, 320, 3)


def test_a_picture_bomb_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "PNG")
    header = b"IHDR" + struct.pack("!II", 20_000, 20_000) + file.getvalue()[24:29]
    bomb = file.getvalue()[:12] + header + struct.pack("!I", zlib.crc32(header)) + file.getvalue()[33:]
    with pytest.raises(ProtocolError, match="20000 x 20000"):
        decode_image(bomb)


def test_broken_pictures_raise_nothing_but_protocol_errors():
    rng = random.Random(4)
    originals = [jpeg_of(road_frame()), jpeg_of(road_frame(), "PNG")]
    refused = 0
    for i in range(600):
        image = bytearray(originals[i % 2])
        for _ in range(rng.randint(1, 20)):
            image[rng.randrange(8, len(image) if i % 3 else 300)] = rng.randrange(256)
        try:
            assert decode_image(bytes(image[: rng.choice([None, rng.randrange(8, len(image))])])).shape
        except ProtocolError:
            refused += 1
    assert refused > 100
