"""A typed plan: one question as a few relational and semantic operators over what the corpus has."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rlm_local.collection.safe import line
from rlm_policy import Action

_LABEL = 200
"""Characters of a value as the planner sees it."""


class Op(StrEnum):
    """What a plan computes. All but the last three are exact: code counts, the model only chooses.

    `read` reads what speaks of the question, `whole` all of a short view, `each` has children answer about parts of it.
    """

    COUNT = "count"
    LIST = "list"
    TOP = "top"
    SUM = "sum"
    AVERAGE = "average"
    COMPARE = "compare"
    PAIRS = "pairs"
    LOOKUP = "lookup"
    WHOLE = "whole"
    EACH = "each"
    READ = "read"

    @property
    def actions(self) -> tuple[Action, ...]:
        """What a plan of this op may be to the policy: those that can judge every item are a MAP where they do."""
        match self:
            case Op.WHOLE:
                return (Action.ANSWER,)
            case Op.EACH:
                return (Action.RECURSE,)
            case Op.COUNT | Op.LIST | Op.TOP:
                return (Action.SEARCH, Action.MAP)
            case _:
                return (Action.SEARCH,)


@dataclass(frozen=True)
class Condition:
    """A test on one field, as the toolbox's `rows` understands it; the field "text" is the item's whole text."""

    field: str
    operator: str
    value: Any
    surface: str = ""
    """The words of the question that it comes from."""

    sure: bool = True
    """Whether the question surely means it; a word of it that stands in some texts may be there by chance."""

    @property
    def label(self) -> str:
        """How the planner sees it."""
        if self.operator == "in":
            low, high = self.value
            return f"{self.field} {low}..{high}"
        value = "|".join(map(str, self.value)) if self.operator == "any" else self.value
        return f"{self.field} {self.operator} {line(str(value), _LABEL)}"


@dataclass(frozen=True)
class Classes:
    """A field that no item has and the model makes: it sorts each item by these names."""

    field: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """How groups compare: by number of items (`field` empty), or by a total, mean or extreme of a number field."""

    measure: str
    field: str = ""
    most: bool = True

    @property
    def label(self) -> str:
        if not self.field:
            return "most items" if self.most else "fewest items"
        return f"{'highest' if self.most else 'lowest'} {self.measure} {self.field}"


@dataclass(frozen=True)
class GroupTest:
    """How many of a group's items meet every condition."""

    where: tuple[Condition, ...]
    operator: str
    number: int

    @property
    def label(self) -> str:
        """How the log has it."""
        return f"{' and '.join(condition.label for condition in self.where)}: {self.operator} {self.number} items"


@dataclass(frozen=True)
class PairTests:
    """What one of two groups must meet, and what the other: the same where the question speaks of both."""

    one: tuple[GroupTest, ...]
    other: tuple[GroupTest, ...]

    @property
    def label(self) -> str:
        """How the log has it."""
        one, other = ("; ".join(test.label for test in tests) for tests in (self.one, self.other))
        return f"both {one}" if one == other else f"one {one}, the other {other}"


@dataclass(frozen=True)
class Children:
    """The question to each child, and how code combines what they answer; see the toolbox's `combine`."""

    ask: str
    combine: str


@dataclass(frozen=True)
class Versus:
    """Two values of a field, compared by their items; and what to reply if the first has more, fewer, or as many."""

    first: Condition
    second: Condition
    replies: tuple[str, str, str]

    @property
    def label(self) -> str:
        """How the log has it."""
        return f"{self.first.label} against {self.second.label}"


@dataclass(frozen=True)
class Plan:
    """`op` over the items of a set that meet `where` and, where given, the model's judgement.

    `classes` is given where `where` or `show` speak of the field that it makes.

    `show` is the field that list and lookup print, top groups by, and sum and average compute on; a count of it is of
    its distinct values, and pairs are of those, by `pairs`. `having` is a test on how many items share a value of
    `show`: those that fail it are left out. The parts of `each` are the items by their value of `show`, or neighbours;
    without an item set, of all documents.
    """

    op: Op
    items: str = ""
    where: tuple[Condition, ...] = ()
    judge: str = ""
    classes: Classes | None = None
    show: str = ""
    having: Condition | None = None
    ranking: Ranking | None = None
    pairs: PairTests | None = None
    children: Children | None = None
    versus: Versus | None = None

    def data(self) -> dict[str, Any]:
        """Plain data, for the log; empty parts are left out."""
        parts: dict[str, Any] = {
            "op": str(self.op),
            "items": self.items,
            "where": [c.label for c in self.where],
            "judge": self.judge,
            "classes": f"{self.classes.field}: {', '.join(self.classes.names)}" if self.classes else "",
            "show": self.show,
            "having": self.having.label if self.having else "",
            "ranking": self.ranking.label if self.ranking else "",
            "pairs": self.pairs.label if self.pairs else "",
            "ask": self.children.ask if self.children else "",
            "combine": self.children.combine if self.children else "",
            "versus": self.versus.label if self.versus else "",
        }
        return {name: value for name, value in parts.items() if value}
