"""The attempts of `attempts.txt`, read; what its verbs mean."""

import textwrap
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from rlm_local.collection import Collection
from rlm_local.engine.budget import Price
from rlm_local.engine.semantic import Desk
from rlm_local.engine.semantic.costs import Costs
from rlm_local.engine.semantic.desk import Value
from rlm_local.engine.toolbox import hand_over
from rlm_sandbox import CellResult, Image, Limits, Pool, Session

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
    asks: bool = False
    """Whether it has a collection, and a model to ask about it."""

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


def _read(block: str, *, asks: bool) -> Attempt:
    what, *lines = block.splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))
    must, *more = (line.removeprefix("=> ") for line in lines if line.startswith("=> "))
    calls = next((eval(line.removeprefix("calls ")) for line in more if line.startswith("calls ")), [])
    return Attempt(what, code, must, tuple(calls), "spoils its session" not in more, asks)


def _read_all() -> Iterator[Attempt]:
    _, *sections = _LIST.read_text().split("\n# ")
    for section in sections:
        title, *blocks = section.strip().split("\n\n")
        for block in blocks:
            yield _read(block, asks=title.startswith("SQL"))


ATTEMPTS = list(_read_all())


# ---- what an attempt has

_OPENING = 10.0
"""Seconds in which the tools of a cell are surely installed, on a machine that is busy."""

_NOTES = "number,note,price\n" + "".join(f"{n},note {n} of the harbour,{n % 7}\n" for n in range(200))
_TEXTS = {"notes.csv": _NOTES, "letter.txt": "Dear harbour, the pump rattles.\n"}


@contextmanager
def collection() -> Generator[Path]:
    """The file of a small collection: a table `notes` of 200 rows, and a letter."""
    with Collection.of(_TEXTS) as texts:
        yield texts.path


class _Yes:
    """Says yes to all it is asked, and has 1,000 tokens for that, of which each text takes 10."""

    def __init__(self) -> None:
        self.left = 1000

    def room(self, once: int) -> Price:
        return Price(self.left, 1_000_000, 1_000_000)

    def ask(self, function: str, texts: Sequence[str], constants: tuple[str, ...], costs: Costs) -> list[Value]:
        self.left -= costs.of(0, len(texts)).tokens
        return [{"judge": 1, "classify": constants[0]}.get(function, text[:10]) for text in texts]


def _price(_function: str, texts: Sequence[str], _constants: tuple[str, ...]) -> Costs:
    return Costs(0, [Price(10 * number, number) for number in range(len(texts) + 1)])


@contextmanager
def session(
    attempt: Attempt, sandbox: Image | Pool, database: Path, names: tuple[str, str], echo: Callable[..., Any]
) -> Generator[Session]:
    """A session for an attempt, with what it may use."""
    asks = Desk(_Yes(), _price, lambda _what: None).calls() if attempt.asks else {}
    limits = replace(attempt.limits, seconds=max(_OPENING, attempt.limits.seconds)) if attempt.asks else attempt.limits
    with Session(sandbox, limits=limits, host_calls={"echo": echo, **asks}) as opened:
        if attempt.asks:
            hand_over(opened, database)
        opened.run(SETUP.format(*names))
        yield opened
