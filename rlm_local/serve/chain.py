"""The chain of the audit log: what a line is, what its last one is known by, and a check of all of them."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from rlm_local.errors import UsageError

_HASH_DIGITS = 64


class Receipt(NamedTuple):
    """A line by its number and hash; 0 is before the first."""

    n: int
    hash: str

    def __str__(self) -> str:
        return f"{self.n}:{self.hash}"

    @classmethod
    def read(cls, text: str) -> "Receipt":
        """What `str` gave.

        Raises:
            UsageError: it is none.
        """
        number, _, digest = text.partition(":")
        if not (number.isascii() and number.isdecimal() and len(number) < 19 and len(digest) == _HASH_DIGITS):
            raise UsageError(f"{text[:100]!r} is no receipt", remedy="`rlm-local audit verify` prints one: NUMBER:HASH")
        return cls(int(number), digest)


START = Receipt(0, "0" * _HASH_DIGITS)
"""What the first line follows."""


@dataclass(frozen=True)
class Problem:
    """What is not as it was written, from one line of the file to another; 0 where it is about the log as a whole."""

    line: int
    last: int
    problem: str

    def __str__(self) -> str:
        if not self.line:
            return self.problem
        lines = f"line {self.line}" if self.line == self.last else f"lines {self.line} to {self.last}"
        return f"{lines}: {self.problem}"


@dataclass(frozen=True)
class Verdict:
    """What a check came to. `receipt` names the last line."""

    lines: int
    receipt: Receipt
    problems: tuple[Problem, ...] = ()


class Head(NamedTuple):
    """What is kept apart of the last line, signed."""

    receipt: Receipt
    seal: str

    def is_of(self, key: bytes) -> bool:
        return sealed(key, "head", self.receipt) == self.seal


class End(NamedTuple):
    """A line that may be the last: what names it and the one before it, and its seal."""

    receipt: Receipt
    prev: str = ""
    seal: str = ""

    def is_of(self, key: bytes) -> bool:
        return sealed(key, "line", self.receipt) == self.seal


def trouble_of(end: End, head: Head | None, key: bytes) -> str:
    """What is wrong with the end of a log; empty where nothing is.

    The head is written after the line, so a crash in between leaves a head that is one behind.
    """
    last = end.receipt
    if head is None:
        return "there is no head beside its key, though there are lines" if last.n else ""
    kept = head.receipt
    if not head.is_of(key):
        return "the head beside its key is not as the server wrote it"
    if kept.n > last.n:
        return f"lines up to number {kept.n} were written, and it ends with number {last.n}"
    if kept == last or (kept.n + 1 == last.n and kept.hash == end.prev and end.is_of(key)):
        return ""
    if kept.n < last.n:
        return f"number {kept.n} was the last that was written, and it ends with number {last.n}"
    return f"number {last.n}, the last, is not the line that was written"


class Check:
    """A pass over all lines."""

    def __init__(self, key: bytes, since: Receipt | None) -> None:
        self._key = key
        self._since = since
        self._waiting = since is not None and since.n > 0
        self._end = End(START)
        self._sure = True
        self._position = 0
        self._problems: list[Problem] = []

    def take(self, position: int, data: bytes) -> None:
        self._position = position
        line = parse(data)
        end = end_of(line)
        if line is None or end is None:
            self._told(position, "is not whole")
            self._sure = False  # what the next one has to follow is not known
            return
        receipt = end.receipt
        known = self._since is not None and receipt.n == self._since.n
        if known:
            self._waiting = self._sure = False  # what was before it is as it may be
            if receipt != self._since:
                self._told(position, "is not the one that the receipt names")
        before, self._end = self._end, end
        number = before.receipt.n + 1
        if self._sure and receipt.n != number:
            self._told(position, f"is number {receipt.n} where {number} has to follow")
        elif self._sure and end.prev != before.receipt.hash:
            self._told(position, "does not follow the line before it")
        self._sure = True
        body = {name: value for name, value in line.items() if name not in ("hash", "seal")}
        if _written(body, end.seal) != data:
            self._told(position, "is not as it was written")
        elif self._key and not end.is_of(self._key):
            self._told(position, "was not written by the server that has this key")
        if line.get("what") == "broken" and not known:
            self._told(position, f"the server found on {line.get('at')}: {line.get('problem')}")

    def verdict(self, head: Head | None) -> Verdict:
        if self._waiting:
            self._waiting = False
            self._told(0, "the line that the receipt names is not there")
        if not self._key and (self._position or head):
            self._told(0, "the server's key is not there")
        elif trouble := trouble_of(self._end, head, self._key):
            self._told(0, trouble)
        return Verdict(self._position, self._end.receipt, tuple(self._problems))

    def _told(self, position: int, problem: str) -> None:
        if self._waiting:
            return
        last = self._problems[-1] if self._problems else None
        if last and position and last.problem == problem and last.last == position - 1:
            self._problems[-1] = replace(last, last=position)
        else:
            self._problems.append(Problem(position, position, problem))


def line_after(after: Receipt, key: bytes, who: str, what: str, details: Mapping[str, object]) -> tuple[Receipt, bytes]:
    """What names the next line, and the line."""
    at = datetime.now(UTC).isoformat()
    body = {"n": after.n + 1, "at": at, "who": who, "what": what, **details, "prev": after.hash}
    receipt = Receipt(after.n + 1, _hash(body))
    return receipt, _written(body, sealed(key, "line", receipt))


def _hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, separators=(",", ":")).encode()).hexdigest()


def _written(body: dict[str, Any], seal: str) -> bytes:
    line = {**body, "hash": _hash(body), "seal": seal}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def sealed(key: bytes, what: str, receipt: Receipt) -> str:
    """The HMAC of a line or a head. It is compared where only its owner can try, so not in constant time."""
    return hmac.new(key, f"{what} {receipt}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def parse(data: bytes) -> dict[str, Any] | None:
    """A line; None where it is none, or not whole."""
    try:
        line = json.loads(data) if data.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", line) if isinstance(line, dict) else None


def end_of(line: dict[str, Any] | None) -> End | None:
    """What names a line; None where nothing does."""
    if line is None or not isinstance(line.get("n"), int):
        return None
    return End(Receipt(cast("int", line["n"]), str(line.get("hash"))), str(line.get("prev")), str(line.get("seal")))
