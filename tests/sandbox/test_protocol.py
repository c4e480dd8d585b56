import os
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox.protocol import Channel, Frame, Gone, Kind, Late

Pair = tuple[Channel, Channel]


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with left, right:
        yield left, right


@pytest.fixture
def pair(raw: tuple[socket.socket, socket.socket]) -> Pair:
    return Channel(raw[0]), Channel(raw[1])


_KINDS = [kind for kind in Kind if kind != Kind.BROKEN]


@given(st.lists(st.tuples(st.sampled_from(_KINDS), st.binary(max_size=200)), max_size=8))
def test_frames_arrive_whole_and_in_order(frames: list[tuple[Kind, bytes]]) -> None:
    left, right = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with left, right:
        for kind, payload in frames:
            Channel(left).send(kind, payload)
        assert [Channel(right).receive(1 << 20) for _ in frames] == [Frame(kind, payload) for kind, payload in frames]


@given(st.integers(32_760, 32_780) | st.integers(1_000_000, 1_000_010))
def test_a_frame_of_many_packets_arrives_whole(size: int) -> None:
    left, right = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with left, right:
        payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
        writer = threading.Thread(target=Channel(left).send, args=(Kind.RESULT, payload))
        writer.start()
        assert Channel(right).receive(size) == Frame(Kind.RESULT, payload)
        writer.join()


def test_descriptors_travel_with_their_frame(pair: Pair) -> None:
    descriptors = [os.memfd_create("text") for _ in range(2)]
    for number, descriptor in enumerate(descriptors):
        os.write(descriptor, f"shared {number}".encode())
    pair[0].send(Kind.SESSION, b"{}", *descriptors)
    frame = pair[1].receive_with_descriptors()
    assert [os.pread(descriptor, 10, 0) for descriptor in frame.descriptors] == [b"shared 0", b"shared 1"]
    for descriptor in (*descriptors, *frame.descriptors):
        os.close(descriptor)


def test_what_broke_on_the_other_side_is_told(pair: Pair) -> None:
    pair[0].send(Kind.BROKEN, b"Traceback: why")
    with pytest.raises(Gone, match="why"):
        pair[1].receive(100)


def test_an_answer_of_another_kind_is_none(pair: Pair) -> None:
    pair[0].send(Kind.RESULT, b"yes")
    pair[0].send(Kind.CALL, b"no")
    assert pair[1].expect(Kind.RESULT, 100) == b"yes"
    with pytest.raises(Gone, match="of kind"):
        pair[1].expect(Kind.RESULT, 100)


def test_a_frame_that_was_broken_off_is_told_from_the_next(
    raw: tuple[socket.socket, socket.socket], pair: Pair
) -> None:
    raw[0].send(b"\x09\xff\xff\x0f\x00half of a frame, by a process that died")
    pair[0].send(Kind.RESULT, b"by the one that lives")
    assert pair[1].receive(1 << 20).payload == b"by the one that lives"


def test_the_rest_of_a_frame_that_another_process_began_to_read_is_passed_over(
    raw: tuple[socket.socket, socket.socket], pair: Pair
) -> None:
    pair[0].send(Kind.REPLY, bytes(40_000))
    raw[1].recv(1 << 20)
    pair[0].send(Kind.CODE, b"1 + 1")
    assert pair[1].receive_with_descriptors().payload == b"1 + 1"


def test_a_packet_that_begins_no_frame_is_no_answer(raw: tuple[socket.socket, socket.socket], pair: Pair) -> None:
    raw[0].send(b"\x09\x00")
    with pytest.raises(Gone, match="no frame"):
        pair[1].receive(10)


def test_waiting_ends_with_the_lifeline(pair: Pair) -> None:
    reader, writer = os.pipe()
    pair[0].send(Kind.CODE)
    pair[1].wait(reader)
    os.close(writer)
    with pytest.raises(Gone):
        pair[1].wait(reader)
    os.close(reader)


def test_a_frame_longer_than_allowed_is_not_read(pair: Pair) -> None:
    pair[0].send(Kind.RESULT, bytes(1000))
    with pytest.raises(Gone, match="1,000"):
        pair[1].receive(999)


def test_a_length_that_lies_waits_no_longer_than_allowed(
    raw: tuple[socket.socket, socket.socket],
) -> None:
    raw[0].send(b"\x09\xff\x00\x00\x00only this")
    with pytest.raises(Late):
        Channel(raw[1]).receive(1 << 20, timeout=0.05)


def test_a_closed_side_is_gone_for_both_directions(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(Gone):
        pair[1].receive(10)
    with pytest.raises(Gone):
        pair[1].receive_with_descriptors()
    with pytest.raises(Gone):
        pair[1].send(Kind.CODE, b"x")
