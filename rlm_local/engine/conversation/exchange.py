"""Exchanges of a conversation: what was asked and answered, and how."""

from collections import deque
from dataclasses import dataclass

from rlm_local.log import RunRecord, RunStore

EXCHANGES = 3
"""How many exchanges the model is shown: a follow-up seldom refers to anything further back, and a question as
understood already contains what came before it."""

_CUT = 300
"""How many characters of a question, a program or an answer are shown."""


@dataclass(frozen=True)
class Exchange:
    """A question as it was understood, its answer, and the program that gave it; empty if there was none."""

    question: str
    answer: str = ""
    program: str = ""

    def shown(self) -> str:
        """The exchange as the model sees it."""
        parts = (("Question", self.question), ("Program", self.program), ("Answer", self.answer))
        return "\n".join(f"{name}: {_cut(text)}" for name, text in parts if text.strip())


def exchanges_until(store: RunStore, run_id: str | None) -> tuple[Exchange, ...]:
    """The last exchanges of the conversation that ends with this run; a run that was deleted is where it begins."""
    exchanges = deque[Exchange]()
    while run_id and len(exchanges) < EXCHANGES and store.known([run_id]):
        record = store.get(run_id)
        exchanges.appendleft(exchange_of(record))
        run_id = record.start.follows
    return tuple(exchanges)


def exchange_of(record: RunRecord) -> Exchange:
    """A run, however it ended, as an exchange that a follow-up may refer to."""
    cells = record.nodes[0].turns if record.nodes else ()
    start = cells[-1].start if cells else None
    by_code = start is not None and start.plan is not None and start.plan.get("look") != "text"
    answer = record.answer.answer if record.answer else ""
    return Exchange(record.start.question, answer, start.cell if start and by_code else "")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CUT else f"{line[: _CUT - 4]} ..."
