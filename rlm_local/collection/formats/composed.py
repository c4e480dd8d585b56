"""The values of YAML, composed of the parser's events, so that what a file makes is bounded and nothing of it is run.

Plain values are told as YAML 1.2 tells them: true, null and numbers as JSON writes them are such, and all else is text
as it is written, for its column to be read as a date, a clock or a number. So "12:30" is no 750 and "NO" is no false.
Tags make nothing. An alias is the value that it names, as long as not too much comes of that.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rlm_local.collection.formats.records import Span, is_list, is_object, nested

if TYPE_CHECKING:
    from yaml import Event

_DEEPEST = 200
_MOST_VALUES = 2_000_000  # in one that is held as a whole
_MOST_ALIASED = 1 << 20  # characters of all that aliases stand for
_MOST_TAGS = 100  # the parser compares each declaration of a tag with all others
_MERGE = "<<"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?P<part>\.[0-9]{1,40})?(?P<power>[eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 64
_NAMED = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL", ".nan", ".inf", "-.inf"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Broken(Exception):  # noqa: N818  what is broken is a file
    """Nothing more can be read of this YAML; says where and why."""


class Object(dict[str, Any]):
    """A mapping; `spans`: where the value of each key stands in the text."""

    def __init__(self, values: Mapping[str, Any], spans: Mapping[str, Span]) -> None:
        super().__init__(values)
        self.spans = spans


class List(list[Any]):
    """A sequence; `spans`: where each item stands in the text."""

    def __init__(self, values: Sequence[Any], spans: Sequence[Span]) -> None:
        super().__init__(values)
        self.spans = spans


class Composed(NamedTuple):  # a data class is slower to make, and there is one for each value of a file
    """A value (an Object, a List, or a plain one), where it stands, and about how many characters it is long."""

    value: Any
    span: Span
    size: int


@dataclass
class _Open:
    """A sequence, or a mapping of keys and values in turn, that has not ended."""

    is_list: bool
    anchor: str | None
    start: int
    values: list[Any] = field(default_factory=list[Any])
    spans: list[Span] = field(default_factory=list[Span])
    size: int = 1


class _Stream:
    """The pieces of a text, for a parser that reads a file."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._tags = 0

    def read(self, _size: int = -1) -> str:
        piece = next((piece for piece in self._pieces if piece), "")
        self._tags += piece.count("%TAG")
        if self._tags > _MOST_TAGS:
            raise ValueError(f"more than {_MOST_TAGS} declarations of tags")
        return piece


class Composer:
    """Composes the values of one text.

    Args:
        pieces: the text.

    Attributes:
        broken: where and why it is no good YAML, from there on; empty as long as it is.
        repeated: mappings in which a key comes more than once: all its values are a list.
        cut: aliases that stay as they are written, as what they name is too much, or around them.
    """

    def __init__(self, pieces: Iterable[str]) -> None:
        self._events = self._parsed(_Stream(iter(pieces)))
        self._anchors: dict[str, Composed] = {}
        self._aliased = 0
        self._end = 0  # of the last thing that was read
        self.broken = ""
        self.repeated = 0
        self.cut = 0

    def documents(self) -> Iterator[Composed | None]:
        """The documents that are not empty; None for one that is a sequence, whose `items` are to be taken then.

        Raises:
            Broken: from here on, it is no good YAML.
        """
        import yaml

        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                root = next(self._events)
                if isinstance(root, yaml.SequenceStartEvent):
                    yield None
                elif (composed := self._compose(root)).value is not None:
                    yield composed

    def items(self) -> Iterator[Composed]:
        """The items of a document that is a sequence.

        Raises:
            Broken: from here on, it is no good YAML.
        """
        import yaml

        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._compose(event)

    def _parsed(self, stream: _Stream) -> Iterator["Event"]:
        """The events of the parser, whose loader makes nothing of them.

        Raises:
            Broken: the next one is not there.
        """
        import yaml

        try:
            yield from yaml.parse(  # pyright: ignore[reportUnknownMemberType]
                stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            )
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._break(f"line {mark.line + 1}: {error.problem}" if mark else str(error.problem)) from None
        except (yaml.YAMLError, ValueError) as error:
            raise self._break(str(error)) from None

    def _break(self, why: str) -> Broken:
        self.broken = self.broken or why
        return Broken(why)

    def _compose(self, event: "Event") -> Composed:
        """The value that begins with an event."""
        import yaml

        stack: list[_Open] = []
        count = 0
        while True:
            count += 1
            if count > _MOST_VALUES:
                raise self._break(f"{_line(event)}: more values than can be held at once")
            if isinstance(event, yaml.ScalarEvent):  # most are
                self._end = event.end_mark.index
                is_key = bool(stack) and not stack[-1].is_list and len(stack[-1].values) % 2 == 0
                text, anchor = event.value, event.anchor
                is_plain = event.implicit[0] and not is_key  # what is quoted or has a tag is text
                composed = Composed(
                    _scalar(text) if is_plain else text, (event.start_mark.index, self._end), 1 + len(text)
                )
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(stack) >= _DEEPEST:
                    raise self._break(f"{_line(event)}: nested too deep")
                sequence = isinstance(event, yaml.SequenceStartEvent)
                stack.append(_Open(sequence, event.anchor, event.start_mark.index))
                event = next(self._events)
                continue
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, composed = self._closed(stack.pop(), event)
            elif isinstance(event, yaml.AliasEvent):
                anchor, composed = None, self._named(event)
            else:
                raise self._break(f"{_line(event)}: no value stands here")
            if anchor:
                self._anchors[anchor] = composed
            if not stack:
                return composed
            inside = stack[-1]
            inside.values.append(composed.value)
            inside.spans.append(composed.span)
            inside.size += composed.size
            event = next(self._events)

    def _closed(self, done: _Open, event: "Event") -> tuple[str | None, Composed]:
        if event.end_mark.index > event.start_mark.index:  # a bracket, and not merely a line that is indented less
            self._end = event.end_mark.index
        span = done.start, max(done.start, self._end)
        value = List(done.values, done.spans) if done.is_list else self._object(done)
        return done.anchor, Composed(value, span, done.size)

    def _object(self, done: _Open) -> Object:
        keys = [key if isinstance(key, str) else str(nested(key)) for key in done.values[::2]]
        spans = [(start, end) for (start, _), (_, end) in zip(done.spans[::2], done.spans[1::2], strict=True)]
        several: dict[str, list[Any]] = {}
        for key, value in zip(keys, done.values[1::2], strict=True):
            several.setdefault(key, []).append(value)
        places = dict(zip(keys, spans, strict=True))
        self.repeated += len(several) < len(keys)
        found = {key: List(ones, [places[key]] * len(ones)) if len(ones) > 1 else ones[0]
                 for key, ones in several.items()}  # fmt: skip
        return _merged(found, places) if _MERGE in found else Object(found, places)

    def _named(self, event: Any) -> Composed:
        """What an alias names."""
        self._end = event.end_mark.index
        span = event.start_mark.index, self._end
        named = self._anchors.get(event.anchor)
        if named is None or self._aliased + named.size > _MOST_ALIASED:
            self.cut += 1
            return Composed(f"*{event.anchor}", span, 1 + len(event.anchor))
        self._aliased += named.size
        return Composed(named.value, span, named.size)


def _merged(found: Mapping[str, Any], places: Mapping[str, Span]) -> Object:
    """A mapping with what it says that it is based on, where these are mappings."""
    bases: list[Any] = found[_MERGE] if is_list(found[_MERGE]) else [found[_MERGE]]
    if not all(map(is_object, bases)):
        return Object(found, places)
    whole = {key: value for key, value in found.items() if key != _MERGE}
    for base in bases:
        for key, value in base.items():
            whole.setdefault(key, value)
    return Object(whole, {key: places.get(key, places[_MERGE]) for key in whole})


def _scalar(text: str) -> Any:
    """A plain value as it is meant."""
    if text in _NAMED:
        return _NAMED[text]
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if found is None:
        return text
    return int(text) if found.lastgroup is None else float(text)


def _line(event: "Event") -> str:
    return f"line {event.start_mark.line + 1}"
