"""Asking about many texts, in rounds: after each, the clock is checked and the answers are kept."""

from collections.abc import Callable, Sequence
from typing import Any

from rlm_local.engine.batches import Batches
from rlm_local.engine.budget import Price
from rlm_local.engine.child import AT_ONCE
from rlm_local.engine.semantic.costs import Costs, question_of
from rlm_local.engine.semantic.questions import Said, about

_FIRST = 16
"""How many texts the first round has; it shows how long the others take."""

_PROMPTS = 1_000  # of one text, at most, in one round

Children = Callable[[str, Sequence[str]], list[Said]]
"""(question, names of documents) -> what a child node says of each."""


class Asking:
    """Asks the model for one node.

    Args:
        batches: the node's leaf calls.
        children: its children.
        said: called with all answers.
    """

    def __init__(self, batches: Batches, children: Children, said: Callable[[Sequence[Said]], None]) -> None:
        self._batches, self._children, self._said = batches, children, said

    def room(self, once: int) -> Price:
        """What may be spent now, by the ledger and the time that is left. All prompts begin with the same `once`
        tokens, which take time only once."""
        left, in_time = self._batches.budget.left, self._batches.pace.room
        return left if in_time is None else Price(min(left.tokens, once + in_time), left.calls, left.nodes)

    def ask(self, function: str, texts: Sequence[str], constants: tuple[str, ...], costs: Costs) -> list[Any]:
        """The values of the texts, in order; only of the first ones if time runs out.

        Raises:
            HostCallRefused: the budget does not allow it. ModelError: the model broke, or was stopped.
        """
        first = AT_ONCE if function == "answer" else _FIRST
        said_of = self._asker(function, texts, constants)
        values: list[Any] = []
        while len(values) < len(texts) and costs.of(len(values), len(texts)).within(self.room(costs.once)):
            end = len(values) + self._round(costs, len(values), first)
            try:
                said = said_of(len(values), end)
            except BaseException:
                self._batches.unseen.append(_stopped(function, values, len(texts)))
                raise
            self._said(said)
            values += [_value(each, constants) for each in said]
        return values

    def _asker(
        self, function: str, texts: Sequence[str], constants: tuple[str, ...]
    ) -> Callable[[int, int], list[Said]]:
        """A function that asks about the texts from one place up to another."""
        if function == "answer":
            return lambda start, end: self._children(constants[0], texts[start:end])
        question = question_of(function, constants)
        asked = about(question, self._batches.model, texts)
        return lambda start, end: question.ask(self._batches, asked[start:end])

    def _round(self, costs: Costs, start: int, first: int) -> int:
        """How many texts the next round has; `first` if it is the first round."""
        tokens, left = self._batches.pace.round, len(costs.upto) - 1 - start
        if tokens is None:
            return min(first, left)
        return min(left, max(first, costs.fit(start, Price(costs.once + tokens, left * _PROMPTS, left))))


def _value(said: Said, constants: tuple[str, ...]) -> str | int | None:
    """An answer as an SQL value: 1 or 0, a label, a text, or NULL."""
    if isinstance(said.value, bool):
        return int(said.value)
    return constants[said.value] if isinstance(said.value, int) else said.value


def _stopped(function: str, values: Sequence[Any], texts: int) -> str:
    """What a map has found that was stopped, as text."""
    held = sum(map(bool, values)) if function == "judge" else sum(value is not None for value in values)
    told = f"; of the {len(values):,} before them, {held:,} had it" if values and function != "classify" else ""
    return f"{function}(): {texts - len(values):,} of {texts:,} texts{told}"
