"""Messages between two processes, over a pipe whose both ends are here."""

import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rlm_local.models.local.pipe import Pipe


@pytest.fixture
def ends() -> Iterator[tuple[Pipe, Pipe]]:
    (here, there_out), (there, here_out) = os.pipe(), os.pipe()
    with os.fdopen(here, "rb") as source, os.fdopen(there, "rb") as other:
        ends = Pipe(source, os.fdopen(here_out, "wb")), Pipe(other, os.fdopen(there_out, "wb"))
        yield ends
        for end in ends:
            end.close()


def test_both_sides_send_more_than_a_pipe_holds_at_once(ends: tuple[Pipe, Pipe]):
    message = {"big": b"x" * 3_000_000}
    for end in ends:
        for number in range(5):
            end.send((number, message))
    for end in ends:
        received = end.receive()
        assert [next(received) for _ in range(5)] == [(number, message) for number in range(5)]


def test_messages_of_many_threads_arrive_whole_and_in_the_order_of_each(ends: tuple[Pipe, Pipe]):
    here, there = ends

    def send(sender: int) -> None:
        for number in range(200):
            here.send((sender, number))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    received = there.receive()
    by_sender: dict[int, list[int]] = {sender: [] for sender in range(4)}
    for _ in range(800):
        sender, number = next(received)
        by_sender[sender].append(number)
    for thread in threads:
        thread.join()
    assert all(numbers == list(range(200)) for numbers in by_sender.values())


def test_what_was_sent_before_the_end_arrives_and_then_the_end(ends: tuple[Pipe, Pipe]):
    here, there = ends
    here.send("last")
    here.close()
    here.send("after the end")
    assert list(there.receive()) == ["last"]


@pytest.mark.parametrize("cut", [0, 1, 10, 200])
def test_a_message_that_is_cut_off_is_the_end(cut: int):
    source, target = os.pipe()
    message: Any = list(range(1000))
    data = pickle.dumps(message)
    os.write(target, data + data[:cut])
    os.close(target)
    with os.fdopen(source, "rb") as file, Path(os.devnull).open("wb") as nowhere:
        pipe = Pipe(file, nowhere)
        assert list(pipe.receive()) == [message]
        pipe.close()


def test_what_cannot_be_pickled_is_told_to_who_sends_it_and_the_next_arrives(ends: tuple[Pipe, Pipe]):
    here, there = ends
    with pytest.raises(TypeError, match="pickle"):
        here.send(threading.Lock())
    here.send("next")
    assert next(there.receive()) == "next"
