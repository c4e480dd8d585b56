"""The gate: a policy is promoted only if an evaluation on held-out tasks shows that it is better."""

from dataclasses import asdict, dataclass
from typing import Any

_VALID = 0.99


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """What a policy changed on held-out tasks, each asked before and after. Differences are after minus before."""

    tasks: int
    score: Interval
    """The difference of scores, which are from 0 to 1."""

    tokens: Interval
    """The difference of tokens that were evaluated or generated for a task."""

    valid: float
    """The share of the policy's turns whose action could be carried out."""

    short_tasks: int
    """How many tasks have a text that fits into one call."""

    short_score: float
    """The difference of scores on these, on average."""

    def data(self) -> dict[str, Any]:
        """Plain data; `from_data` is the way back."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Report":
        """The report that such data is of.

        Raises:
            KeyError, TypeError: it is not a report's.
        """
        whole = dict(data)
        for name in ("score", "tokens"):
            whole[name] = Interval(**data[name])
        return cls(**whole)


def objections(report: Report) -> list[str]:
    """Why a policy is not better; empty if it is.

    The score must not be lower, and there must be a gain that chance does not explain: a higher score or fewer tokens,
    with the whole 95 % interval on the right side of zero. Nobody wants a policy that saves tokens by wrong answers, or
    one that answers long texts better and short ones worse.
    """
    found: list[str] = []
    if report.score.mean < 0:
        found.append(f"it scores {-report.score.mean:.3f} lower")
    if report.score.low <= 0 and report.tokens.high >= 0:
        found.append("neither a higher score nor fewer tokens are beyond chance")
    if report.valid < _VALID:
        found.append(f"only {report.valid:.1%} of its actions are valid")
    if not report.short_tasks:
        found.append("no short task was asked")
    elif report.short_score < 0:
        found.append(f"it scores {-report.short_score:.3f} lower on short tasks")
    return found
