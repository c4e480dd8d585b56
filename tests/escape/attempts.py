"""The attempts of `attempts.txt`, read; what its verbs mean."""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from rlm_sandbox import CellResult, Limits

SETUP = (
    "import rlm_host, _rlm_host\ndef echo(value): return rlm_host.call('echo', value=value)\nbait, port = {!r}, {!r}"
)
"""What is run before an attempt, with the names that it may use."""
_LIST = Path(__file__).with_name("attempts.txt")

_PATIENT = Limits(
    seconds=60,
    grace_seconds=10,
    memory_bytes=96 << 20,
    output_bytes=4_000,
    host_calls=50,
    host_call_bytes=200_000,
    file_bytes=1 << 20,
)
_SHORT = replace(_PATIENT, seconds=0.2, grace_seconds=30)
_SHORTEST = replace(_PATIENT, seconds=0.2, grace_seconds=0.2)


class _Verb(NamedTuple):
    holds: Callable[[CellResult, str], bool]
    limits: Limits = _PATIENT


def _error(result: CellResult) -> str:
    return result.error or ""


def _finished(result: CellResult) -> bool:
    return result.error is None and result.stopped is None


def _printed(result: CellResult, text: str) -> bool:
    return _finished(result) and _visible(result.output) == ("" if text == "nothing" else f"{text}\n")


def _visible(output: str) -> str:
    """With escapes for what the list cannot show."""
    return "".join(c if c == "\n" or " " <= c <= "~" else c.encode("unicode_escape").decode() for c in output)


def _stopped(by: str, told: str) -> Callable[[CellResult, str], bool]:
    return lambda result, _: result.stopped == by and told in _error(result)


_VERBS = {
    "prints": _Verb(_printed),
    "shows": _Verb(lambda result, text: _finished(result) and text in result.output),
    "raises": _Verb(lambda result, text: result.stopped is None and text in _error(result)),
    "goes on:": _Verb(lambda result, text: _finished(result) and text in result.output, _SHORT),
    "is interrupted": _Verb(_stopped("time", "KeyboardInterrupt"), _SHORT),
    "is ended": _Verb(_stopped("time", "did not stop when it was interrupted"), _SHORTEST),
    "runs out of memory": _Verb(_stopped("memory", "Stopped: the sandbox has 96 MiB of memory.")),
    "runs out of calls": _Verb(_stopped("host_calls", "Stopped: a cell may make 50 host calls.")),
    "crashes:": _Verb(lambda result, text: result.stopped == "trap" and text in _error(result)),
}


@dataclass(frozen=True)
class Attempt:
    what: str
    code: str
    must: str
    calls: tuple[Any, ...] = ()
    recovers: bool = True

    @property
    def limits(self) -> Limits:
        return self._verb[0].limits

    def holds(self, result: CellResult) -> bool:
        """Whether that came of it which must."""
        verb, text = self._verb
        return verb.holds(result, text)

    @property
    def _verb(self) -> tuple[_Verb, str]:
        (name,) = (name for name in _VERBS if self.must.startswith(name))
        return _VERBS[name], self.must.removeprefix(name).strip()


def _read(block: str) -> Attempt:
    what, *lines = block.splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))
    must, *more = (line.removeprefix("=> ") for line in lines if line.startswith("=> "))
    calls = next((eval(line.removeprefix("calls ")) for line in more if line.startswith("calls ")), [])
    return Attempt(what, code, must, tuple(calls), "spoils its session" not in more)


def _read_all() -> Iterator[Attempt]:
    _, *sections = _LIST.read_text().split("\n# ")
    for section in sections:
        _, *blocks = section.strip().split("\n\n")
        yield from map(_read, blocks)


ATTEMPTS = list(_read_all())
