"""The events of a log, and the columns that the parameters of its messages are.

A parameter's column is named by the log's own words, as `Parameter.name` has them, where enough messages have that
name; else by its type. An address is always in `address`, too. A word that varies and has no name takes the name of the
parameter that has its values elsewhere in the log. Columns come from a sample; what a later message has beyond them is
in its message alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rlm_local.collection.formats.logs.parameter import WILD, Parameter, Word, Words, parameters
from rlm_local.collection.formats.logs.template import Template, Templates, masked
from rlm_local.collection.formats.part import Cell

_KEPT = 50_000
_MANY_FORMS = 5_000
"""Forms of messages after which one has to have come twice on average: a log that never says the same has no events."""
_MOST_COMMON = 200
_MOST_NAMES = 24
_MOST_TYPES = 16
_MOST_ALIKE = 3
_MOST_VALUES = 1_000
_EXAMPLES = 20
"""Messages that are masked alike which columns are learned from."""
_LONGEST_MESSAGE = 4_000
_LONGEST_VALUE = 500
_PLACE = re.compile(r"<[a-z]{2,8}>")
_UNITS = {
    "seconds": {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "milliseconds": 1e-3, "msec": 1e-3, "m": 60, "h": 3600},
    "bytes": {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4},
}
_MEASURE = re.compile(r"([+-]?\d+(?:\.\d+)?) ?([A-Za-zµ]+)")
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_REAL = re.compile(r"[+-]?\d{1,15}\.\d{1,15}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What messages that are masked alike share: their event, and which parameter goes to which columns."""

    event: str | None
    cells: tuple[tuple[Parameter, tuple[int, ...]], ...]


class Events:
    """Reads the messages of one log.

    Args:
        sample: messages of it, from everywhere in it.

    Attributes:
        columns: the labels of their parameters.
        untold: messages without event and parameters, as hardly one before them was like another.
    """

    def __init__(self, sample: Iterable[str]) -> None:
        self.untold = 0
        self._messages = self._forms = 0  # read so far
        self._words = Words()
        self._plans: dict[str, _Plan] = {}
        found: list[list[Word]] = []
        seen: Counter[str] = Counter()
        for message in sample:
            words = self._words.of(message[:_LONGEST_MESSAGE])
            form = masked(words)
            seen[form] += 1
            if seen[form] <= _EXAMPLES:
                found.append(words)
        self._templates = Templates(found)
        self._told: dict[tuple[Template, int], str] = {}
        self._places: dict[str, int] = {}
        self._choose([(words, self._templates.of(words) or _own(words)) for words in found])
        self.columns = tuple(self._places)

    def read(self, message: str) -> tuple[str | None, list[Cell]]:
        """A message's event, None where it has none, and a value for each of `columns`."""
        words = self._words.of(message[:_LONGEST_MESSAGE])
        form = masked(words)
        plan = self._plans.get(form)
        cells: list[Cell] = [None] * len(self._places)
        self._messages += 1
        if plan is None:
            if self._forms >= _MANY_FORMS and 2 * self._forms > self._messages:
                self.untold += 1
                return None, cells
            if len(self._plans) >= _KEPT:
                self._plans.clear()
            self._forms += 1
            plan = self._plans[form] = self._plan(words)
        for parameter, columns in plan.cells:
            value = _value(parameter.of(words), parameter)
            for column in columns:
                cells[column] = value
        return plan.event, cells

    def _choose(self, sample: Sequence[tuple[Sequence[Word], Template]]) -> None:
        values: dict[str, set[str]] = {}
        counts: Counter[str] = Counter()
        unnamed: dict[tuple[Template, int], set[str]] = {}
        for words, template in sample:
            for each in parameters(words, template):
                kept = values.setdefault(each.name, set()) if each.name else None
                counts[each.name] += bool(each.name)
                if kept is None and each.type == "value":
                    kept = unnamed.setdefault((template, each.place), set())
                if kept is not None and len(kept) < _MOST_VALUES:
                    kept.add(each.of(words))
        common = [(name, values[name]) for name, count in counts.most_common(_MOST_COMMON) if count]
        for place, seen in unnamed.items():
            shared, name = max(((len(seen & known), name) for name, known in common), default=(0, ""))
            if 2 * shared > len(seen):
                self._told[place] = name
        fewest = min(len(sample), max(3, len(sample) // 100))
        self._take(
            Counter(name for words, own in sample for name in set(self._called(words, own))), fewest, _MOST_NAMES
        )
        self._take(Counter(label for words, own in sample for label in self._labels(words, own)), fewest, _MOST_TYPES)

    def _take(self, counts: Counter[str], fewest: int, most: int) -> None:
        """Make columns of labels that enough messages have."""
        common = [label for label, count in counts.most_common(most) if label and count >= fewest]
        for label in sorted(common):  # in an order that another part of the same log has, too
            self._places.setdefault(label, len(self._places))

    def _called(self, words: Sequence[Word], template: Template) -> Iterator[str]:
        """What the log itself calls each parameter of a message; empty where nothing."""
        for each in parameters(words, template):
            yield each.name or self._told.get((template, each.place), "")

    def _labels(self, words: Sequence[Word], template: Template) -> Iterator[str]:
        """What each parameter of a message is called where its name is that of no column: "number", "number 2"."""
        seen: Counter[str] = Counter()
        for each, name in zip(parameters(words, template), self._called(words, template), strict=True):
            if each.type == "address" or name not in self._places:
                seen[each.type] += 1
                label = each.type if seen[each.type] == 1 else f"{each.type} {seen[each.type]}"
                yield label if seen[each.type] <= _MOST_ALIKE else ""
            else:
                yield ""

    def _plan(self, words: Sequence[Word]) -> _Plan:
        template = self._templates.of(words)
        own = template or _own(words)
        free = dict(self._places)
        cells: list[tuple[Parameter, tuple[int, ...]]] = []
        shown = list(own)
        called, labels = self._called(words, own), self._labels(words, own)
        for each, name, label in zip(parameters(words, own), called, labels, strict=True):
            columns = tuple(free.pop(column) for column in {name, label} if column in free)
            cells.extend([(each, columns)] if columns else [])
            kind = name if name in self._places else "*" if own[each.place] == WILD else each.type
            shown[each.place] = _filled(shown[each.place], kind)
        return _Plan(" ".join(shown).replace("\0", "<") if template else None, tuple(cells))


def _own(words: Sequence[Word]) -> Template:
    return tuple(word.masked for word in words)


def _filled(token: str, name: str) -> str:
    """A word of a template with its next place named; \\0 stands for the mark of a place that is."""
    return f"\0{name}>" if token == WILD else _PLACE.sub(f"\0{name}>", token, count=1)


def _value(written: str, parameter: Parameter) -> Cell:
    """A parameter as a value: numbers as numbers, times in seconds, sizes in bytes; None for an empty one."""
    units = _UNITS.get(parameter.type)
    measure = _MEASURE.match(written + parameter.unit) if units else None
    if units and measure:
        number = float(measure[1]) * units.get(measure[2], units.get(measure[2][0].lower(), 1))
        return int(number) if parameter.type == "bytes" else round(number, 9)
    if written[:1] in "+-0123456789":
        if _INTEGER.fullmatch(written):
            return int(written)
        if _REAL.fullmatch(written):
            return float(written)
    return written[:_LONGEST_VALUE] or None
