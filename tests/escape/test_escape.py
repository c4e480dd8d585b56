"""Every attempt of `attempts.txt`, through a session of its own, with bait laid out on the host."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rlm_sandbox import Image
from tests.escape.attempts import ATTEMPTS, Attempt, collection, session

_SECRET = "what only the host may know"


@dataclass(frozen=True)
class Bait:
    """What an escape would read, change or reach."""

    file: Path
    listener: socket.socket

    def check(self) -> None:
        """Nobody has touched it."""
        assert self.file.read_text() == _SECRET
        assert list(self.file.parent.iterdir()) == [self.file]
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture(scope="module")
def bait(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bait]:
    file = tmp_path_factory.mktemp("bait") / "secret.txt"
    file.write_text(_SECRET)
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        patch.setenv("RLM_ESCAPE_SECRET", _SECRET)
        listener.setblocking(False)
        yield Bait(file, listener)


@pytest.fixture(scope="module")
def database() -> Iterator[Path]:
    with collection() as path:
        yield path


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.what)
def test_it_leaves_the_host_unharmed(attempt: Attempt, bait: Bait, image: Image, database: Path) -> None:
    calls: list[Any] = []

    def echo(value: Any) -> Any:
        calls.append(value)
        return value

    descriptors = _descriptors()
    held = database.read_bytes() if attempt.asks else b""
    names = str(bait.file), str(bait.listener.getsockname()[1])
    with session(attempt, image, database, names, echo) as opened:
        result = opened.run(attempt.code)
        assert attempt.holds(result), result
        assert _SECRET not in f"{result.output}{result.error}"
        if attempt.recovers:
            assert opened.run("6 * 7").output == "42\n"
    assert tuple(calls) == attempt.calls
    assert _descriptors() == descriptors
    assert not attempt.asks or database.read_bytes() == held
    bait.check()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_list_is_long_enough_to_mean_something() -> None:
    assert len({attempt.what for attempt in ATTEMPTS}) == len(ATTEMPTS) >= 150
