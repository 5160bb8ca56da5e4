"""Messages between two processes: whole, in order, with their files, and without anybody waiting for anybody."""

import os
import socket

import pytest

from server.net.green import sleep

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="no files in messages on this system")


@pytest.fixture
def ends():
    from server.net.channel import Channel  # noqa: PLC0415 - it needs Unix sockets

    first, second = (Channel(end) for end in socket.socketpair())
    yield first, second
    first.close()
    second.close()


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def test_messages_of_any_size_arrive_whole_and_in_order(ends):
    first, second = ends
    sizes = (0, 1, 13_000, 2_000_000, 5, 300_000)
    for size in sizes:
        first.send(b"x" * size)
    arrived = second.messages()
    assert [len(next(arrived)[0]) for _ in sizes] == list(sizes)
    assert first.waiting == 0


def test_a_sender_never_waits_for_a_reader_that_does_not_read(ends):
    first, second = ends
    for number in range(100):
        first.send((number, bytes(100_000)))
    assert first.waiting > 5_000_000
    arrived = second.messages()
    assert [next(arrived)[0][0] for _ in range(100)] == list(range(100))
    first.flush()
    assert first.waiting == 0


def test_each_file_comes_with_its_message(ends):
    first, second = ends
    texts = [f"file {number}".encode() for number in range(40)]
    for number, text in enumerate(texts):
        reading, writing = os.pipe()
        os.write(writing, text)
        os.close(writing)
        first.send(("with", number, bytes(20_000)), reading)
        first.send(("without", number))
    arrived = second.messages()
    for number, text in enumerate(texts):
        (kind, position, _), file = next(arrived)
        assert (kind, position) == ("with", number)
        with os.fdopen(file, "rb") as content:
            assert content.read() == text
        assert next(arrived) == (("without", number), None)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files as Linux lists them")
def test_no_file_stays_open_after_the_end(ends):
    first, second = ends
    before = open_files()
    for _ in range(30):
        first.send(bytes(100_000), os.open(os.devnull, os.O_RDONLY))
    next(second.messages())  # the first one has been read, the others have not
    second.close()
    sleep(0.05)
    first.close()
    first.send("too late", os.open(os.devnull, os.O_RDONLY))
    leaked = {name for name in open_files() - before if os.path.realpath(f"/proc/self/fd/{name}") == os.devnull}
    assert len(leaked) <= 1, "the caller has taken one with its message"


def test_the_end_of_the_other_end_ends_the_messages(ends):
    first, second = ends
    first.send("last words")
    first.flush()
    first.close()
    assert [message for message, _ in second.messages()] == ["last words"]
    second.send("nobody listens")
    assert second.waiting == 0
