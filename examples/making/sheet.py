"""A question with its answer, and the sheet on which questions are numbered."""

from dataclasses import asdict, dataclass, field
from typing import Literal

Kind = Literal["count", "argmax", "lookup", "two_hop", "needle", "judge", "list", "not_there", "short"]
Scorer = Literal["number", "text", "set", "not_found", "yes_no"]
EVERYTHING = ("records",)


@dataclass(frozen=True)
class Question:
    id: str
    kind: Kind
    question: str
    paths: tuple[str, ...]  # relative to questions.jsonl
    answer: str | float | tuple[str, ...]
    scorer: Scorer
    accept: tuple[str, ...] = ()  # other wordings of the answer
    tolerance: float = 0  # numbers: how far off still counts
    absent: tuple[str, ...] = ()  # not_there: what the documents do not hold

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass
class Sheet:
    """Numbers the questions within their kind."""

    questions: list[Question] = field(default_factory=list[Question])

    def ask(
        self,
        kind: Kind,
        question: str,
        answer: str | float | tuple[str, ...],
        scorer: Scorer,
        *,
        paths: tuple[str, ...] = EVERYTHING,
        accept: tuple[str, ...] = (),
        tolerance: float = 0,
        absent: tuple[str, ...] = (),
    ) -> None:
        number = 1 + sum(q.kind == kind for q in self.questions)
        name = f"{kind}-{number}"
        self.questions.append(Question(name, kind, question, paths, answer, scorer, accept, tolerance, absent))
