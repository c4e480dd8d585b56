"""What it will cost to ask about texts, computed before any is asked about."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from rlm_local.collection.view import View
from rlm_local.engine.batches import price_of
from rlm_local.engine.budget import Price
from rlm_local.engine.child import reading
from rlm_local.engine.semantic.questions import Find, Judge, Question, Sort, pieces
from rlm_local.models import Model

_COUNTED = 50_000  # characters whose tokens are counted at once
_CHARACTERS = 3  # in a token of a document, at least
_SORTED = "Which category is it?"


@dataclass(frozen=True)
class Costs:
    """The costs of asking about texts in order.

    Attributes:
        once: the tokens that all prompts begin with.
        upto: the costs of the first 0, 1, 2, ... texts, without these tokens.
    """

    once: int
    upto: Sequence[Price]

    def of(self, start: int, end: int) -> Price:
        """An upper bound for the cost of the texts `start` to `end - 1` together."""
        price = self.upto[end] - self.upto[start]
        return replace(price, tokens=price.tokens + self.once) if end > start else price

    def fit(self, start: int, room: Price) -> int:
        """How many texts, from `start` on, fit in the room."""
        ends = range(start + 1, len(self.upto))
        return bisect_left(ends, True, key=lambda end: not self.of(start, end).within(room))


def question_of(function: str, constants: tuple[str, ...]) -> Question:
    """What a semantic function asks about each text, if leaf calls answer it."""
    match function:
        case "judge":
            return Judge(constants[0])
        case "classify":
            return Sort(_SORTED, constants)
        case _:
            return Find(constants[0])


def costs(model: Model, view: View, function: str, texts: Sequence[str], constants: tuple[str, ...]) -> Costs:
    """What a semantic function costs for these texts."""
    if function == "answer":
        return _of_children(view, texts)
    question = question_of(function, constants)
    bare, two = (question.batch(question.prompts(each), len(each)) for each in ((["a"]), ["a", "b"]))
    once = price_of(model, [*bare.prompts, *bare.neutral], bare.reply_tokens).tokens
    each = price_of(model, two.prompts, two.reply_tokens) - price_of(model, bare.prompts, bare.reply_tokens)
    parts = (len(question.prompts(pieces(model, text))) for text in texts)
    prices = (
        Price(size + calls * each.tokens, calls) for calls, size in zip(parts, _counted(model, texts), strict=True)
    )
    return Costs(once, [*accumulate(prices, initial=Price(0, 0))])


def _of_children(view: View, names: Sequence[str]) -> Costs:
    """The most that children cost; a document that does not exist costs nothing."""
    documents = (view.named(name) for name in names)
    sizes = ((found.end - found.start) // _CHARACTERS if found else None for found in documents)
    prices = (Price(0, 0) if size is None else reading(size) for size in sizes)
    return Costs(0, [*accumulate(prices, initial=Price(0, 0))])


def _counted(model: Model, texts: Sequence[str]) -> Iterator[int]:
    """The tokens of each text. Many texts are counted together, and the sum is divided by their lengths."""
    block: list[str] = []
    size = 0
    for number, text in enumerate(texts, 1):
        block.append(text)
        size += len(text) + 1
        if size > _COUNTED or number == len(texts):
            rate = (model.count("\n".join(block)) + 1) / size
            yield from (math.ceil(rate * (len(each) + 1)) for each in block)
            block, size = [], 0
