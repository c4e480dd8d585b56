import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox.protocol import Channel, Frame, Gone, Kind, Late

Pair = tuple[Channel, Channel]


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


@pytest.fixture
def pair(raw: tuple[socket.socket, socket.socket]) -> Pair:
    return Channel(raw[0]), Channel(raw[1])


@given(st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=200)), max_size=8))
def test_frames_arrive_whole_and_in_order(frames: list[tuple[Kind, bytes]]) -> None:
    left, right = socket.socketpair()
    with left, right:
        for kind, payload in frames:
            Channel(left).send(kind, payload)
        assert [Channel(right).receive(200) for _ in frames] == [Frame(kind, payload) for kind, payload in frames]


def test_a_descriptor_travels_with_its_frame(pair: Pair) -> None:
    descriptor = os.memfd_create("text")
    os.write(descriptor, b"shared")
    pair[0].send(Kind.TEXT, b"{}", descriptor)
    frame = pair[1].receive_with_descriptor()
    assert frame.descriptor is not None
    assert os.pread(frame.descriptor, 10, 0) == b"shared"
    os.close(descriptor)
    os.close(frame.descriptor)


def test_a_frame_longer_than_allowed_is_not_read(pair: Pair) -> None:
    pair[0].send(Kind.RESULT, bytes(1000))
    with pytest.raises(Gone, match="1,000"):
        pair[1].receive(999)


def test_a_length_that_lies_waits_no_longer_than_allowed(
    raw: tuple[socket.socket, socket.socket],
) -> None:
    raw[0].sendall(b"\x08\xff\x00\x00\x00only this")
    with pytest.raises(Late):
        Channel(raw[1]).receive(1 << 20, timeout=0.05)


def test_a_closed_side_is_gone_for_both_directions(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(Gone):
        pair[1].receive(10)
    with pytest.raises(Gone):
        pair[1].receive_with_descriptor()
    with pytest.raises(Gone):
        pair[1].send(Kind.CODE, b"x")
