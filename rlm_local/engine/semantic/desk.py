"""The host's side of semantic calls: what a cell may have answered, and for how much."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from rlm_local.engine.budget import Price
from rlm_local.engine.semantic.calls import FUNCTIONS, LONGEST_CONSTANT, MOST_LABELS, Unfit
from rlm_local.engine.semantic.costs import Costs
from rlm_local.engine.semantic.prepare import as_json, prepare
from rlm_sandbox import HostCallRefused

_HEAVY = 1e9

Value = str | int | float | None
PriceOf = Callable[[str, Sequence[str], tuple[str, ...]], Costs]
"""(function, texts, constants) -> what asking costs."""


class Asker(Protocol):
    """Who asks the model: see `Asking`."""

    def room(self, once: int, /) -> Price: ...
    def ask(self, function: str, texts: Sequence[str], constants: tuple[str, ...], costs: Costs, /) -> list[Value]: ...


class Desk:
    """Answers a cell's semantic calls; its functions are host calls of a session.

    Args:
        asker: asks a model, all texts at once.
        price: what that would cost.
        note: told what a result does not say of itself: `{"estimate": ...}` or `{"unseen": ...}`, as the cell gives it.
    """

    def __init__(self, asker: Asker, price: PriceOf, note: Callable[[Mapping[str, Any]], None]) -> None:
        self._asker, self._price, self._note = asker, price, note

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The host calls, by name."""
        return {
            "semantic_plan": self._plan,
            "semantic_price": self._fits,
            "semantic_ask": self._ask,
            "semantic_note": self._noted,
        }

    def _plan(self, query: Any) -> dict[str, Any] | None:
        """How a query is to be run; None where it has no semantic calls."""
        try:
            prepared = prepare(str(query))
        except Unfit as unfit:
            raise HostCallRefused(str(unfit)) from None
        return as_json(prepared) if prepared else None

    def _fits(self, function: Any, constants: Any, texts: Any) -> dict[str, Any]:
        """Tokens that asking about all texts costs at most, tokens that may be spent, how many of the texts, from the
        first, may be asked about, and what share of what may be spent all of them take, of that which is scarcest."""
        name, asked, what = _checked(function, constants, texts)
        costs = self._price(name, asked, what)
        room = self._asker.room(costs.once)
        price = costs.of(0, len(asked))
        return {
            "price": price.tokens,
            "room": max(0, room.tokens),
            "fits": costs.fit(0, room),
            "load": max(
                _share(price.tokens, room.tokens), _share(price.calls, room.calls), _share(price.nodes, room.nodes)
            ),
        }

    def _ask(self, function: Any, constants: Any, texts: Any) -> list[Value]:
        """The values of the texts: of all, or of as many of the first as there turned out to be time for."""
        name, asked, what = _checked(function, constants, texts)
        costs = self._price(name, asked, what)
        room = self._asker.room(costs.once)
        price = costs.of(0, len(asked))
        if not price.within(room):
            raise HostCallRefused(
                f"{name}() about {len(asked):,} texts takes {price.tokens:,} tokens; {max(0, room.tokens):,} are left"
            )
        return self._asker.ask(name, asked, what, costs)

    def _noted(self, what: Any) -> None:
        if not isinstance(what, dict):
            raise HostCallRefused("a note is an object")
        self._note(cast("dict[str, Any]", what))


def _share(price: int, room: int) -> float:
    return min(_HEAVY, price / room) if room > 0 else _HEAVY if price else 0.0


def _checked(function: Any, constants: Any, texts: Any) -> tuple[str, list[str], tuple[str, ...]]:
    """What a cell asks, if it is of the right form: the cell is not believed."""
    if not isinstance(function, str) or function not in FUNCTIONS:
        raise HostCallRefused(f"there is no semantic function {function!r}")
    asked, what = _texts(texts), _texts(constants)
    labels = function == "classify"
    if not (2 if labels else 1) <= len(what) <= (MOST_LABELS if labels else 1):
        raise HostCallRefused(f"{function}() takes {f'2 to {MOST_LABELS} labels' if labels else 'one question'}")
    if len(set(what)) < len(what) or not all(each.strip() and len(each) <= LONGEST_CONSTANT for each in what):
        raise HostCallRefused(f"questions and labels are different texts of 1 to {LONGEST_CONSTANT} characters")
    return function, asked, tuple(what)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in cast("list[object]", value)):
        raise HostCallRefused("texts and constants are lists of texts")
    return cast("list[str]", value)
