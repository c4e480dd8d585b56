"""Phrase banks (`phrases/*.txt`) and the small template language that they are written in."""

import re
from functools import cache
from pathlib import Path
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@cache
def bank(name: str) -> dict[str, list[str]]:
    """The sections of `phrases/{name}.txt`: lines under each `== section`, after a comment."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    text = (Path(__file__).parent / "phrases" / f"{name}.txt").read_text(encoding="ascii")
    for line in filter(None, text.splitlines()):
        if line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        else:
            current.append(line)
    return sections


def render(rng: Random, template: str, slots: dict[str, str]) -> str:
    """Pick one of each `[a|b]`, innermost first, then fill the `{slots}`."""
    while _CHOICE.search(template):
        template = _CHOICE.sub(lambda choice: rng.choice(choice[1].split("|")), template)
    return template.format_map(slots)


class Deck:
    """Draws lines at random, and none a second time before all have been drawn."""

    def __init__(self, rng: Random, lines: list[str]) -> None:
        self._rng = rng
        self._lines = lines
        self._left: list[str] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._rng.sample(self._lines, len(self._lines))
        return self._left.pop()


def decks(rng: Random, name: str) -> dict[str, Deck]:
    """A fresh deck for every section of a bank."""
    return {section: Deck(rng, lines) for section, lines in bank(name).items()}
