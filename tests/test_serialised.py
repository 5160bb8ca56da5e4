"""Unity's serialised files: what was written is read; damage is refused at once, and reserves nothing."""

from __future__ import annotations

import time

import numpy as np
import pytest

from simulator.unity.files.errors import DAMAGE, FormatError
from simulator.unity.files.serialised import read_serialised
from tests.tiny_serialised import Field, serialised_file, several
from tests.tiny_terrain import land_file

GUIDS = ["0123456789abcdef" * 2]


def one_object(*fields):
    """A file with one object of these fields."""
    return serialised_file([(156, 7, Field("Any", "Base", list(fields)))], GUIDS)


def test_fields_are_read_as_they_were_written():
    short = Field("SInt16", "data", 0)
    pair = Field("Pair", "data", [Field("int", "a", 0), Field("float", "b", 0.5)])
    file = read_serialised(
        one_object(
            Field("string", "m_Name", "lake"),
            several("heights", short, [Field("SInt16", "data", value) for value in (-2, 300)]),
            several("pairs", pair, [pair, pair]),
            several("nothing", pair, []),
            Field("TypelessData", "image data", b"\x01\x02\x03"),
        )
    )
    assert file.guids == GUIDS
    fields = file.objects[7].fields
    assert file.objects[7].class_id == 156
    assert fields["m_Name"].tobytes() == b"lake"
    assert fields["heights"].tolist() == [-2, 300]
    assert fields["pairs"] == [{"a": 0, "b": 0.5}] * 2
    assert fields["nothing"] == []
    assert fields["image data"].tolist() == [1, 2, 3]


def test_references_name_files_by_their_guids():
    file = read_serialised(one_object(Field("int", "any", 0)))
    assert file.guid({"m_FileID": 0}) is None
    assert file.guid({"m_FileID": 1}) == GUIDS[0]


def test_every_changed_byte_is_refused_or_read_without_delay():
    content = land_file(GUIDS)
    rng = np.random.default_rng(0)
    refusals, start_s = 0, time.process_time()
    for at in rng.integers(20, len(content), 500):
        changed = bytearray(content)
        changed[at] = rng.integers(256)
        try:
            read_serialised(bytes(changed))
        except DAMAGE:
            refusals += 1
    assert refusals > 100
    assert time.process_time() - start_s < 30


def test_every_cut_is_refused():
    content = land_file(GUIDS)
    for size in range(0, len(content), 97):
        with pytest.raises(FormatError, match="another size"):
            read_serialised(content[:size])


def test_other_formats_are_named():
    content = bytearray(land_file(GUIDS))
    content[8:12] = (21).to_bytes(4, "big")
    with pytest.raises(FormatError, match="format 21"):
        read_serialised(bytes(content))


def test_a_count_beyond_the_file_is_refused_before_memory_is_reserved():
    byte = Field("UInt8", "data", 0)
    content = bytearray(one_object(several("bytes", byte, [Field("UInt8", "data", 9)] * 5)))
    at = content.rindex(bytes([5, 0, 0, 0, 9, 9]))
    content[at : at + 4] = (2**31 - 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="2147483647 things"):
        read_serialised(bytes(content))


def test_objects_that_overlap_are_refused():
    whole = Field("Any", "Base", [Field("TypelessData", "data", bytes(100))])
    content = bytearray(serialised_file([(156, 7, whole), (156, 8, whole)], []))
    entry = content.index((8).to_bytes(8, "little"))
    content[entry + 8 : entry + 16] = (0).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    with pytest.raises(ValueError, match="ends behind the file"):
        read_serialised(bytes(content))


def test_lists_of_things_without_size_are_refused():
    content = one_object(several("things", Field("Nothing", "data", []), []))
    with pytest.raises(KeyError, match="Nothing"):
        read_serialised(content)
