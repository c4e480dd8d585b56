"""What stands between an entry's stamp and its message: host, process, level, thread, and the like."""

import re
from collections import Counter
from collections.abc import Iterable

from rlm_local.collection.formats.part import Cell

_LEVELS = (
    "TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|ALERT|EMERG|EMERGENCY|PANIC|"
    "FINE|FINER|FINEST|VERBOSE|trace|debug|info|notice|warn|warning|error|critical|crit|fatal|alert|emerg|verbose|"
    "Trace|Debug|Info|Information|Notice|Warn|Warning|Error|Critical|Fatal|Verbose"
)
LEVEL = rf"[\[(<]?(?P<level>{_LEVELS})[\])>]?(?=[\s:|,\]-]|$)"
_LEVEL = re.compile(_LEVELS)
_SYSLOG = re.compile(
    rf"[ \t]{{0,8}}(?!(?:{_LEVELS})\b)"
    r"(?P<host>[\w.:@/-]{1,80}) (?P<process>[^\s:\[\]]{1,80}?(?:\[[a-z_]{1,20}\])?)(?:\[(?P<pid>\d{1,10})\])?"
    r"(?: \([\w.:-]{1,80}\))?:(?=\s|$)"
)
_THREADS = re.compile(
    r"[ \t]{1,8}(?P<pid>\d{1,10})[ \t]{1,8}(?P<thread>\d{1,10})[ \t]{1,8}(?P<level>[VDIWEFAS])[ \t]{1,8}"
    r"(?P<component>[^\s:][^:\n]{0,80}?)[ \t]{0,40}:[ \t]?"
)
_ELEMENT = re.compile(
    rf"[ \t]*(?:{LEVEL}[:,|]?"
    r"|\[(?P<inner>[^\[\]\n]{0,120}(?:\[[^\[\]\n]{0,80}\][^\[\]\n]{0,80})?)\]:?"
    rf"|(?P<number>\d{{1,10}})(?=[ \t]{{1,8}}(?:\d{{1,10}}[ \t]{{1,8}})?(?:[\[(]?(?:{_LEVELS})\b|---|\[))"
    r"|\|(?P<piped>[^|\n]{1,80})(?=\|)"
    r"|(?P<mark>-{1,3}|\||:)(?=[ \t]|(?<=\|)\S)"
    r"|(?P<dotted>[A-Za-z_]\w{0,60}(?:\.\w{1,60}){1,12})(?=[ \t]{1,8}\[)"
    r"|(?P<component>[A-Za-z_][\w.$/()<>*#~@-]{0,90})(?:\[(?P<pid>\d{1,10})\])?"
    r"(?:[ \t]{0,40}:(?=\s|$)|(?=[ \t]{1,8}-[ \t]))"
    r"|(?<=:)(?P<logger>[A-Za-z_][\w.]{0,80}):)"
)
_PAIR = re.compile(r"([A-Za-z_]\w{0,20})(?:[:=] ?| (?=\d))(\S{1,80})")
_NUMBERS = frozenset(("pid", "thread"))
_MOST = 8
"""Elements of a head."""
_SHARE = 0.3
"""Of a sample's entries, those that have an element, so that it is one of the log's and no part of a message."""

_NAMES = ("host", "process", "component", "pid", "thread", "level", "tag", "tag_2")


class Head:
    """Reads the heads of one log; what a head of it is made of is told from a sample of entries without stamps."""

    def __init__(self, sample: Iterable[str]) -> None:
        entries = [entry[:400] for entry in sample]
        self._whole = next((form for form in (_SYSLOG, _THREADS) if _fits(form, entries)), None)
        self._parts: frozenset[str] | None = None
        if self._whole:
            found = frozenset(self._whole.groupindex)
        else:
            self._parts = self._common(entries) | {"tag"}  # a bracket whose name few entries have is a tag
            self._parts = found = self._common(entries)
        self.columns = tuple(name for name in _NAMES if name in found) + tuple(sorted(found.difference(_NAMES)))

    def _common(self, entries: list[str]) -> frozenset[str]:
        seen = Counter(name for entry in entries for name in self.read(entry, 0)[0])
        return frozenset(name for name, count in seen.items() if count >= _SHARE * len(entries))

    def read(self, text: str, start: int) -> tuple[dict[str, Cell], int]:
        """The head that begins at `start`, by name, and where the message begins."""
        found: dict[str, Cell] = {}
        if self._whole:
            match = self._whole.match(text, start)
            for name, value in match.groupdict().items() if match else ():
                _put(found, name, value)
            return found, match.end() if match else start
        for _ in range(_MOST):
            match = _ELEMENT.match(text, start)
            if not match or not self._take(match, found):
                break
            start = match.end()
        return found, start

    def _take(self, match: re.Match[str], found: dict[str, Cell]) -> bool:
        """Put what `match` says into `found`; False where it is no part of this log's heads."""
        if match["mark"] or match["inner"] == "":
            return True
        name, value = _named(match, found)
        if self._parts is not None and name not in self._parts:
            if not match["inner"]:
                return False
            name, value = "tag" if "tag" not in found else "tag_2", match["inner"]
        if name in found or (self._parts is not None and name not in self._parts):
            return False
        _put(found, name, value)
        _put(found, "pid", match["pid"])
        return True


def _put(found: dict[str, Cell], name: str, value: str | None) -> None:
    if value:
        found[name] = int(value) if name in _NUMBERS and value.isdecimal() else value.strip()


def _named(match: re.Match[str], found: dict[str, Cell]) -> tuple[str, str]:
    name = match["component"] or match["dotted"] or match["logger"]
    if name:
        return "component", name
    if match["level"]:
        return "level", match["level"]
    inner = (match["inner"] or match["piped"] or match["number"]).strip()
    if _LEVEL.fullmatch(inner):
        return "level", inner
    pair = _PAIR.fullmatch(inner)
    if pair:
        return pair[1].lower(), pair[2]
    if match["piped"] and "component" not in found:
        return "component", inner
    first, second = ("pid", "thread") if inner.isdigit() else ("tag", "tag_2")
    return second if first in found else first, inner


def _fits(form: re.Pattern[str], entries: list[str]) -> bool:
    return bool(entries) and sum(bool(form.match(entry)) for entry in entries) >= 0.6 * len(entries)
