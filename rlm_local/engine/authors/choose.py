"""Choice among candidates: those with the same result vote for it, and agreement says how sure the answer is."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlm_local.engine.authors.outcome import Outcome
from rlm_local.engine.authors.prompt import Dialect
from rlm_policy import Odds, share

_WHETHER = "the question wants yes or no: return whether it is so, as SELECT EXISTS (...) does, or a comparison"
_WHAT = "the question does not want yes or no: return what it asks for"
_SPARSE = "most of these rows do not have that column: show one that says what each row is"


@dataclass(frozen=True)
class Candidate:
    """A program, and what came of it.

    Attributes:
        dialect: SQL or Python.
        text: as the model wrote it.
        token_ids: the tokens of the text, with the one that ended it.
        cell: the Python that runs it.
        trial: the Python that tries it, which leaves codes in the result as they are, so that results compare.
        greedy: whether it is the likeliest program of its dialect, not a sample.
        logprob: natural log probability of its tokens, on average.
        right: by how many nats the model finds "right" likelier than "wrong"; 0 if it was not asked.
        outcome: its result; None if it failed or was not tried.
        error: why it failed.
        notes: what code has repaired in it.
        missing: values that it compares with and that no row has.
        unused: tables, columns of marks, and years that the question names and the program does not.
        whether: whether the question wants yes or no.
        semantic: whether it asks a model about rows; such a program is not tried.
        changes: whether it would change the records; such a program is not tried either.
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
    whether: bool = False
    semantic: bool = False
    changes: bool = False

    @property
    def trouble(self) -> str:
        """What the model is told before it writes the program once more; empty if there is nothing to tell."""
        if self.changes:
            return ""
        if self.error:
            return self.error
        if self.unused:
            return f"the question speaks of {' and '.join(self.unused)}: use it, too"
        if self.of_another_kind:
            return _WHETHER if self.whether else _WHAT
        return _SPARSE if _is_sparse(self) else ""

    @property
    def of_another_kind(self) -> bool:
        """Whether its result is no yes or no where the question wants that, or is one where it does not."""
        return self.outcome is not None and self.outcome.truth != self.whether

    @property
    def said(self) -> Outcome | None:
        """Its result as the answer has it: as yes or no if the question wants that."""
        return self.outcome.as_truth if self.outcome is not None and self.whether else self.outcome

    @property
    def empty(self) -> bool:
        """Whether its result holds nothing; see `Outcome.empty`."""
        return self.outcome is None or self.outcome.empty

    @property
    def found(self) -> bool:
        """Whether its result says anything: it is not empty, or is the no that was asked for, of what there is."""
        is_no = self.whether and self.outcome is not None and self.outcome.truth and not self.missing
        return not self.empty or is_no

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
            "whether": self.whether,
        }


@dataclass(frozen=True)
class Choice:
    """The candidate that won.

    Attributes:
        votes: how many candidates speak for its result, itself included.
        of: how many candidates ran to their end.
        across: whether candidates of both dialects speak for it.
        confidence: the probability that it is right.
    """

    candidate: Candidate
    votes: int
    of: int
    across: bool
    confidence: float

    @property
    def label(self) -> str:
        """How well programs agree, for a person."""
        if self.of == 1:
            return "one program"
        if self.across:
            return "SQL and Python agree"
        if self.votes == 1:
            return f"the surest of {self.of} programs, which differ"
        return f"all {self.of} programs agree" if self.votes == self.of else f"{self.votes} of {self.of} programs agree"

    def data(self) -> dict[str, object]:
        """Plain data, for the log."""
        return {"votes": self.votes, "of": self.of, "across": self.across}


@dataclass(frozen=True)
class _Group:
    """Candidates that came to the same result, and those that back it: their result is what it adds up."""

    members: tuple[Candidate, ...]
    backing: tuple[Candidate, ...] = ()

    @property
    def behind(self) -> tuple[Candidate, ...]:
        """All candidates that speak for the result."""
        return (*self.members, *self.backing)

    @property
    def across(self) -> bool:
        """Whether candidates of both dialects speak for it."""
        return len({candidate.dialect for candidate in self.behind}) > 1

    def log_odds(self, odds: Odds) -> float:
        """The log odds that the result is right, in nats."""
        python = all(candidate.dialect == "python" for candidate in self.behind)
        return odds.of(across=self.across, python=python, right=max(candidate.right for candidate in self.members))

    def weight(self, odds: Odds) -> tuple[bool, bool, float, int, bool, float]:
        """What decides between results, the most important first; see `choose`."""
        behind = self.behind
        return (
            self.members[0].found,
            any(not each.unused and not each.of_another_kind and not _is_sparse(each) for each in behind),
            self.log_odds(odds),
            len(behind),
            any(candidate.dialect == "sql" for candidate in behind),
            max(candidate.logprob for candidate in self.members),
        )


def choose(candidates: Sequence[Candidate], odds: Odds) -> Choice | None:
    """The result that most speaks for; None if no candidate ran to its end.

    A result wins by the first of these in which it differs from the others: it found something; its program uses
    all that the question names, its result is of the kind that the question wants, and its rows say what they are; its
    odds; how many candidates speak for it; SQL; how likely the program is. Of the programs with that result, SQL is
    shown if possible, since its rows can be shown as evidence.
    """
    ran = [candidate for candidate in candidates if candidate.outcome is not None]
    groups = _grouped(ran)
    if not groups:
        return None
    best = max(groups, key=lambda group: group.weight(odds))
    shown = max(best.members, key=lambda candidate: (candidate.dialect == "sql", candidate.greedy, candidate.logprob))
    return Choice(shown, len(best.behind), len(ran), best.across, share(best.log_odds(odds)))


def _grouped(candidates: Sequence[Candidate]) -> list[_Group]:
    """The candidates by their results, each group with those that back it."""
    alike: list[list[Candidate]] = []
    for candidate in candidates:
        same = next((members for members in alike if _same(members[0], candidate)), None)
        if same is None:
            alike.append([candidate])
        else:
            same.append(candidate)
    groups: list[_Group] = []
    for members in alike:
        backing = [other for others in alike if _backs(others[0], members[0]) for other in others]
        groups.append(_Group(tuple(members), tuple(backing)))
    return groups


def _same(one: Candidate, other: Candidate) -> bool:
    return one.said is not None and other.said is not None and one.said.same(other.said)


def _backs(one: Candidate, other: Candidate) -> bool:
    """Whether one program lists the numbers that the other adds up: it did the same, but for the last step."""
    return one.said is not None and other.said is not None and one.said.comes_to(other.said)


def _is_sparse(candidate: Candidate) -> bool:
    return candidate.outcome is not None and candidate.outcome.sparse
