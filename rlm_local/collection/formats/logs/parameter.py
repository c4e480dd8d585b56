"""The parameters in a message: words that are an address, a number, a path, told by how they look.

A message is masked word by word: "port 38926" becomes "port <number>", "uid=0" "uid=<number>". Words that come again
are looked up, so a log's cost is that of its new words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WILD = "<*>"
"""In a template, a word that varies."""

_OPENING = "([{<'\"`,;"
_CLOSING = ")]}>'\"`,;:.!?"
_LONGEST_WORD = 400
_MOST_WORDS = 80
_KEPT = 50_000
_STOP = frozenset(
    "a an the this that to from by for at in of on with and or is are was were be been as than into via per after "
    "before over under not no it its has have had will all any out up down off about but if so "
    "jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun".split()
)

_NAMELESS = frozenset(("number", "id", "host", "value", "text"))
"""Types that say little, so that the word before says more."""
_MEASURES = {
    **dict.fromkeys(("ns", "us", "µs", "ms", "msec", "sec", "secs", "second", "seconds", "milliseconds"), "seconds"),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "hr", "hrs", "hour", "hours"), "seconds"),
    **dict.fromkeys(("byte", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"), "bytes"),
}

_PIECES = re.compile(r"[^\s\"]{0,200}\"[^\"\n]{0,300}\"[^\s\"]{0,40}|\S+")
_QUOTED = re.compile(r"([^\s\"]*)\"([^\"\n]*)\"([^\s\"]*)")
_PAIR = re.compile(r"([A-Za-z_][\w.-]{0,40})=(.*)", re.DOTALL)
_NAMED = re.compile(r"([A-Za-z_]{2,40}):(/?[\w.-].*)", re.DOTALL)
_ADDRESS = re.compile(r"/?((?:\d{1,3}\.){3}\d{1,3})(?::(\d{1,5})|/(\d{1,2}))?")
_HOST_PORT = re.compile(r"/?([A-Za-z][\w-]*(?:\.[\w-]+)+|[A-Za-z][\w-]*\d[\w-]*):(\d{2,5})")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.){2,10}[A-Za-z]{2,12}")
_JOINS = re.compile(r"[,;|()\[\]{}<>/]")
_MOST_PIECES = 8
_LOOKS = (
    ("number", re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?")),
    ("bytes", re.compile(r"\d+(?:\.\d+)?(?:[kKMGT]i?B?|B|[Bb]ytes)")),
    ("seconds", re.compile(r"\d+(?:\.\d+)?(?:ns|us|µs|ms|secs?|s|mins?|hrs?|h)")),
    ("percent", re.compile(r"\d+(?:\.\d+)?%")),
    ("time", re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?")),
    (
        "date",
        re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T_ ]\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?"),
    ),
    ("address", re.compile(r"(?=[^:]{0,4}:[^:]{0,4}:)[0-9a-fA-F:]{2,39}(?:%\w{1,15})?")),
    ("url", re.compile(r"[a-z][a-z0-9+.-]{1,12}://\S+")),
    ("email", re.compile(r"[^\s@/:=]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")),
    ("path", re.compile(r"(?:/[^/\s]|[A-Za-z]:\\)\S*")),
    ("id", re.compile(r"0[xX][0-9a-fA-F]+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
)
_LOOKS_OF_NUMBERS = tuple(look for look in _LOOKS if look[0] in ("number", "bytes", "seconds", "id"))
_LOOKS_OF_NAMES = tuple(look for look in _LOOKS if look[0] == "id")


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter: the name that its own word gives it ("uid=0"; else empty), its type, its value as written."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a message: as written, with its parameters as "<type>", and those."""

    written: str
    masked: str
    slots: tuple[Slot, ...] = ()


class Words:
    """The words of messages, each looked at once."""

    def __init__(self) -> None:
        self._known: dict[str, Word] = {}

    def of(self, message: str) -> list[Word]:
        """The first words of a message, 80 at most; a quoted text is one word."""
        written = _PIECES.findall(message) if '"' in message else message.split()
        known = self._known
        if len(known) > _KEPT:
            known.clear()
        words: list[Word] = []
        for each in written[:_MOST_WORDS]:
            word = known.get(each)
            if word is None:
                word = known[each] = _look(each)
            words.append(word)
        return words


def bare(word: str) -> str:
    """A word without the marks around it."""
    return word.lstrip(_OPENING).rstrip(_CLOSING)


def _look(written: str) -> Word:
    if len(written) > _LONGEST_WORD:
        return Word(written, "<text>", (Slot("", "text", written),))
    quoted = _QUOTED.fullmatch(written)
    if quoted:
        before, inner, after = quoted.groups()
        key = before[:-1].lstrip(_OPENING) if before.endswith("=") else ""
        kind = _type(inner) or "text"
        return Word(written, f"{before}<quoted>{after}", (Slot(key, kind, inner),)) if inner else Word(written, written)
    core = bare(written)
    if not core or (core.isalpha() and core.isascii()):
        return Word(written, written)
    start = written.index(core)
    masked, slots = _masked(core)
    return Word(written, written[:start] + masked + written[start + len(core) :], slots)


def _masked(core: str) -> tuple[str, tuple[Slot, ...]]:
    pair = _PAIR.fullmatch(core) if "=" in core else None
    if pair:
        value = bare(pair[2])
        _, slots = _masked(value) if "=" not in value else ("", ())
        first = slots[0] if slots else Slot("", "text", value)
        return f"{pair[1]}=<value>", (Slot(pair[1], first.type, first.value if len(slots) < 2 else value), *slots[1:])
    if not any(map(str.isdigit, core)) and "/" not in core and "@" not in core:
        return core, ()
    address = _ADDRESS.fullmatch(core) if "." in core else None
    if address:
        found = (Slot("", "address", address[1]),)
        return (
            ("<address>:<port>", (*found, Slot("port", "number", address[2]))) if address[2] else ("<address>", found)
        )
    kind = _type(core)
    if kind:
        return (WILD if kind == "id" else f"<{kind}>"), (Slot("", kind, core),)
    return _compound(core)


def _compound(core: str) -> tuple[str, tuple[Slot, ...]]:
    """A word of several: "src:10.0.0.1", "node4:8080", or one with digits in it that is a name of something."""
    host = _HOST_PORT.fullmatch(core) if ":" in core else None
    if host:
        return "<host>:<port>", (Slot("", "host", host[1]), Slot("port", "number", host[2]))
    named = _NAMED.fullmatch(core) if ":" in core else None
    if named and any(map(str.isdigit, named[2])):
        masked, slots = _masked(named[2])
        if slots:
            return f"{named[1]}:{masked}", (Slot(named[1], slots[0].type, slots[0].value), *slots[1:])
    digits = sum(map(str.isdigit, core))
    if digits and "." in core and _HOST.fullmatch(core):
        return WILD, (Slot("", "host", core),)
    pieces = [] if core.isalnum() else _JOINS.split(core)
    if 1 < len(pieces) <= _MOST_PIECES:
        found = [_masked(piece) if piece else ("", ()) for piece in pieces]
        if any(slot.type != "id" for _, slots in found for slot in slots):
            joins = [*_JOINS.findall(core), ""]
            masked = "".join(mine + join for (mine, _), join in zip(found, joins, strict=True))
            return masked, tuple(slot for _, slots in found for slot in slots)
    if digits > 2 or (digits and digits >= sum(map(str.isalpha, core))):
        return WILD, (Slot("", "id", core),)
    return core, ()


def _type(core: str) -> str:
    looks = _LOOKS
    if core.isalnum():  # most words are, and have no look that needs a sign
        looks = _LOOKS_OF_NUMBERS if core[0].isdigit() else _LOOKS_OF_NAMES
    for name, look in looks:
        if look.fullmatch(core):
            if name == "id" and core.isalpha():
                continue
            return name
    return "address" if _ADDRESS.fullmatch(core) else ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of all messages that are masked alike.

    Attributes:
        place: which word of the message it is in.
        slot: which slot of that word it is; -1 for the whole word.
        name: what the log itself calls it: the key of "uid=0", the word before it in "port 22"; else empty.
        type: as told by its look, and the unit after it; "value" for a word that only varies.
        unit: the word after it, where that is a unit.
    """

    place: int
    slot: int
    name: str
    type: str
    unit: str = ""

    def of(self, words: Sequence[Word]) -> str:
        """Its value in a message, as written."""
        word = words[self.place]
        return word.slots[self.slot].value if self.slot >= 0 else bare(word.written)


def parameters(words: Sequence[Word], template: Sequence[str]) -> Iterator[Parameter]:
    """The parameters of a message whose template is `template`, in order."""
    before = ""
    for place, (word, token) in enumerate(zip(words, template, strict=True)):
        for number, slot in enumerate(word.slots):
            kind, unit = slot.type, ""
            if kind == "number" and place + 1 < len(words):
                unit = bare(words[place + 1].written).lower()
                kind, unit = (_MEASURES[unit], unit) if unit in _MEASURES else (kind, "")
            yield Parameter(place, number, slot.name.lower() or (before if kind in _NAMELESS else ""), kind, unit)
            before = ""
        if not word.slots and token == WILD:
            yield Parameter(place, -1, before, "value")
        before = "" if word.slots or token == WILD else _naming(token)


def _naming(word: str) -> str:
    """A word as a name of what follows it; empty for one that names nothing: "from", "sent,"."""
    name = bare(word).lower()
    ends = word[-1] in _CLOSING and word[-1] != ":"
    return name if not ends and name.isalpha() and 2 <= len(name) <= 24 and name not in _STOP else ""
