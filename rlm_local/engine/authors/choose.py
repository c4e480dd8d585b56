"""Choice among candidates: those that came to the same result vote, and agreement says how sure the answer is."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlm_local.engine.authors.outcome import Outcome
from rlm_local.engine.authors.prompt import Dialect
from rlm_policy import Odds, share


@dataclass(frozen=True)
class Candidate:
    """A program, and what came of it.

    Attributes:
        dialect: SQL or Python.
        text: as the model wrote it.
        token_ids: the tokens of that, up to the one that ended it.
        cell: the Python that runs it.
        trial: the Python that tries it: codes in its result are as other programs give them.
        greedy: whether it is the likeliest program of its dialect, not a sample.
        logprob: natural log probability of a token of the text, on average.
        right: by how many nats the model finds it right and not wrong; 0 where it was not asked.
        outcome: what it came to; None where it failed.
        error: why it failed.
        notes: what was mended in it.
        missing: values that it names and no row has.
        unused: tables and years that the question names and it does not.
        semantic: whether a model has to be asked about rows: it was not tried.
        changes: whether it would change the records: it was not tried either.
    """

    dialect: Dialect
    text: str
    token_ids: tuple[int, ...] = ()
    cell: str = ""
    trial: str = ""
    greedy: bool = True
    logprob: float = 0.0
    right: float = 0.0
    outcome: Outcome | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    semantic: bool = False
    changes: bool = False

    @property
    def trouble(self) -> str:
        """What the model is told that wrote it, before it writes once more; empty where there is nothing to say."""
        if self.changes:
            return ""
        if self.error or not self.unused:
            return self.error
        return f"the question speaks of {' and '.join(self.unused)}: use it, too"

    @property
    def found(self) -> bool:
        return self.outcome is not None and not self.outcome.empty

    def data(self) -> dict[str, object]:
        """Plain data, for the log."""
        shown = [list(row) for row in self.outcome.rows[:3]] if self.outcome else None
        return {
            "dialect": self.dialect,
            "text": self.text,
            "logprob": round(self.logprob, 4),
            "right": round(self.right, 4),
            "outcome": shown,
            "error": self.error[:300],
            "notes": list(self.notes),
            "missing": list(self.missing),
            "unused": list(self.unused),
        }


@dataclass(frozen=True)
class Choice:
    """The candidate that won.

    Attributes:
        votes: how many candidates came to its result, it among them.
        of: how many ran to an end.
        across: whether candidates of both dialects came to it.
        confidence: how likely it is right.
    """

    candidate: Candidate
    votes: int
    of: int
    across: bool
    confidence: float

    @property
    def label(self) -> str:
        """For a person."""
        if self.of == 1:
            return "one program"
        if self.across:
            return "SQL and Python agree"
        if self.votes == 1:
            return f"the surest of {self.of} programs, which differ"
        return f"all {self.of} programs agree" if self.votes == self.of else f"{self.votes} of {self.of} programs agree"

    def data(self) -> dict[str, object]:
        return {"votes": self.votes, "of": self.of, "across": self.across}


def choose(candidates: Sequence[Candidate], odds: Odds) -> Choice | None:
    """The result that most speaks for: found something; in all tables that the question names; the surer one by its
    odds; most votes; SQL; the likelier program. A list of numbers votes for what it comes to, where another says that.

    Of equals SQL is shown, since its rows can be shown as evidence. None where no candidate ran to an end.
    """
    ran = [candidate for candidate in candidates if candidate.outcome is not None]
    groups: list[list[Candidate]] = []
    for candidate in ran:
        alike = next((group for group in groups if _same(group[0], candidate)), None)
        if alike is None:
            groups.append([candidate])
        else:
            alike.append(candidate)
    if not groups:
        return None
    backing = [[each for other in groups if _leads(other[0], group[0]) for each in other] for group in groups]
    at = max(range(len(groups)), key=lambda at: _weight(groups[at], backing[at], odds))
    best, behind = groups[at], [*groups[at], *backing[at]]
    shown = max(best, key=lambda candidate: (candidate.dialect == "sql", candidate.greedy, candidate.logprob))
    return Choice(shown, len(behind), len(ran), _across(behind), share(_odds(best, backing[at], odds)))


def _same(one: Candidate, other: Candidate) -> bool:
    return one.outcome is not None and other.outcome is not None and one.outcome.same(other.outcome)


def _leads(one: Candidate, other: Candidate) -> bool:
    """Whether one program lists the numbers that the other adds up: it went the same way, and a step less."""
    return one.outcome is not None and other.outcome is not None and one.outcome.comes_to(other.outcome)


def _across(candidates: Sequence[Candidate]) -> bool:
    return len({candidate.dialect for candidate in candidates}) > 1


def _odds(group: Sequence[Candidate], backing: Sequence[Candidate], odds: Odds) -> float:
    return odds.of(across=_across([*group, *backing]), right=max(candidate.right for candidate in group))


def _weight(
    group: Sequence[Candidate], backing: Sequence[Candidate], odds: Odds
) -> tuple[bool, bool, float, int, bool, float]:
    behind = [*group, *backing]
    sql = any(candidate.dialect == "sql" for candidate in behind)
    everywhere = any(not candidate.unused for candidate in behind)
    likeliest = max(candidate.logprob for candidate in group)
    return group[0].found, everywhere, _odds(group, backing, odds), len(behind), sql, likeliest
