"""Dated lines of users, each a question whose label is not written down: the rows of OOLONG-synth (arXiv 2511.02817).

The labels are those of TREC (Li and Roth 2002). Lines are made from templates, or come from TREC's own file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from rlm_local.errors import UsageError

LABELS = {
    "ABBR": "abbreviation",
    "ENTY": "entity",
    "DESC": "description and abstract concept",
    "HUM": "human being",
    "LOC": "location",
    "NUM": "numeric value",
}
"""TREC's coarse labels, with the names by which questions speak of them."""

FIRST_DAY, LAST_DAY = date(2022, 2, 16), date(2025, 6, 21)

_PREFIX = "Date: Jan 01, 2024 || User: 12345 || Instance: \n"
_PREFIX_TOKENS = 24.4
_CHARACTERS_PER_TOKEN = 4.6

Texts = Mapping[str, Sequence[str]]
"""Questions by label."""


@dataclass(frozen=True)
class Row:
    """One line, with the label that is not in it."""

    day: date
    user: int
    text: str
    label: str

    @property
    def line(self) -> str:
        return f"Date: {self.day:%b %d, %Y} || User: {self.user} || Instance: {self.text}"


def tokens(line_characters: int) -> float:
    """About how many tokens a line of this many characters has, its line break included."""
    return _PREFIX_TOKENS + (line_characters + 1 - len(_PREFIX)) / _CHARACTERS_PER_TOKEN


def make_rows(length: float, rng: Random, texts: Texts | None, most_users: int | None = None) -> list[Row]:
    """Rows of some tokens in all, in the order of their days.

    Label weights are the softmax of randint(1, 30) ** (1 / T), T in 2..6; a tenth of the users have 80 % of the rows;
    days are uniform.

    Args:
        length: in tokens.
        texts: what to draw from; None makes them.
        most_users: where the task's answer grows with the users.
    """
    temperature = rng.uniform(2, 6)
    weights = [math.exp(rng.randint(1, 30) ** (1 / temperature)) for _ in LABELS]
    few = max(8, round(length / 45 / 8))
    users = rng.sample(range(10_000, 100_000), min(few, most_users or 50_000))
    common = users[: max(1, len(users) // 10)]
    days = (LAST_DAY - FIRST_DAY).days + 1
    rows: list[Row] = []
    while length > 0:
        [label] = rng.choices(tuple(LABELS), weights)
        text = rng.choice(texts[label]) if texts else made_text(label, rng)
        user = rng.choice(common if rng.random() < 0.8 else users)
        rows.append(Row(FIRST_DAY + timedelta(rng.randrange(days)), user, text, label))
        length -= tokens(len(rows[-1].line))
    return sorted(rows, key=lambda row: row.day)


def document(rows: Sequence[Row]) -> dict[str, str]:
    """The rows as one document."""
    return {"questions.txt": "".join(f"{row.line}\n" for row in rows)}


def read_trec(path: Path) -> dict[str, list[str]]:
    """Questions by label from TREC's file: lines `COARSE:fine text`, Latin-1.

    Raises:
        UsageError: it cannot be read, a line is none of these, or a label has no line.
    """
    texts: dict[str, list[str]] = {label: [] for label in LABELS}
    try:
        lines = path.read_text("latin-1").splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    for number, line in enumerate(lines, 1):
        kind, _, text = line.partition(" ")
        label = kind.partition(":")[0]
        if label not in LABELS or not text.strip():
            raise UsageError(f"{path}, line {number} is no line of TREC", remedy="Lines are COARSE:fine text")
        texts[label].append(" ".join(text.split()))
    if not all(texts.values()):
        raise UsageError(f"{path} has no line for {', '.join(label for label in LABELS if not texts[label])}")
    return texts


_THINGS = "violin glacier tractor falcon compass lighthouse turbine orchid submarine chess tulip piano".split()
_PLACES = "Bolivia Norway Kenya Vienna Lisbon Alaska Tasmania Quebec Cairo Helsinki Nepal Texas".split()
_WORKS = "The Iron Bridge,Silent Rooms,The Ninth Wave,A Winter Road,Blue Harbour,The Glass Hill".split(",")
_SHORT = "UNESCO NATO DNA GPS HTML NASA OPEC LED VIP CEO USB RADAR".split()
_DEEDS = "invented,discovered,first described,designed,made popular,improved".split(",")

_TEMPLATES: dict[str, tuple[Callable[[Random], str], ...]] = {
    "ABBR": (
        lambda r: f"What does {r.choice(_SHORT)} stand for ?",
        lambda r: f"What is the abbreviation for the {r.choice(_THINGS)} society of {r.choice(_PLACES)} ?",
        lambda r: f"What is the full form of {r.choice(_SHORT)} ?",
        lambda r: f"What is {r.choice(_SHORT)} short for ?",
    ),
    "ENTY": (
        lambda r: f"What kind of wood is used to make a {r.choice(_THINGS)} box in {r.choice(_PLACES)} ?",
        lambda r: f"What breed of dog is named after {r.choice(_PLACES)} ?",
        lambda r: f"What is the most popular drink in {r.choice(_PLACES)} ?",
        lambda r: f"What instrument is heard at the start of {r.choice(_WORKS)} ?",
        lambda r: f"What colour is the cover of {r.choice(_WORKS)} ?",
    ),
    "DESC": (
        lambda r: f"What is a {r.choice(_THINGS)} ?",
        lambda r: f"How does a {r.choice(_THINGS)} work ?",
        lambda r: f"Why is the {r.choice(_THINGS)} a symbol of {r.choice(_PLACES)} ?",
        lambda r: f"What is the origin of the word {r.choice(_THINGS)} ?",
        lambda r: f"How do you repair a {r.choice(_THINGS)} ?",
    ),
    "HUM": (
        lambda r: f"Who {r.choice(_DEEDS)} the {r.choice(_THINGS)} ?",
        lambda r: f"Who wrote {r.choice(_WORKS)} ?",
        lambda r: f"Which president of {r.choice(_PLACES)} was once an actor ?",
        lambda r: f"What actress played the lead in {r.choice(_WORKS)} ?",
        lambda r: f"What company makes the best known {r.choice(_THINGS)} of {r.choice(_PLACES)} ?",
    ),
    "LOC": (
        lambda r: f"Where is the {r.choice(_THINGS)} museum of {r.choice(_PLACES)} ?",
        lambda r: f"What is the capital of {r.choice(_PLACES)} ?",
        lambda r: f"What country borders {r.choice(_PLACES)} to the north ?",
        lambda r: f"In what city does {r.choice(_WORKS)} take place ?",
        lambda r: f"What river runs through {r.choice(_PLACES)} ?",
    ),
    "NUM": (
        lambda r: f"How many people live in {r.choice(_PLACES)} ?",
        lambda r: f"When was the {r.choice(_THINGS)} invented ?",
        lambda r: f"How much does a {r.choice(_THINGS)} weigh ?",
        lambda r: f"What year was {r.choice(_WORKS)} published ?",
        lambda r: f"How far is it from {r.choice(_PLACES)} to {r.choice(_PLACES)} ?",
    ),
}


def made_text(label: str, rng: Random) -> str:
    """A question of this label, from a template."""
    return rng.choice(_TEMPLATES[label])(rng)
