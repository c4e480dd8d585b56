"""The host's side of semantic calls: tells a cell what they cost, and answers them."""

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
"""(function, texts, constants) -> what it costs to ask."""


class Asker(Protocol):
    """Asks the model; see `Asking`."""

    def room(self, once: int, /) -> Price: ...
    def ask(self, function: str, texts: Sequence[str], constants: tuple[str, ...], costs: Costs, /) -> list[Value]: ...


class Desk:
    """Answers a cell's semantic calls; its functions are host calls of a session.

    Args:
        asker: asks a model about all texts of a call.
        price: says what that would cost.
        note: called with what a result does not show by itself: `{"estimate": ...}` or `{"unseen": ...}`, as the cell
            gives it.
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
        """How to run a query; None if it has no semantic calls."""
        try:
            prepared = prepare(str(query))
        except Unfit as unfit:
            raise HostCallRefused(str(unfit)) from None
        return as_json(prepared) if prepared else None

    def _fits(self, function: Any, constants: Any, texts: Any) -> dict[str, Any]:
        """Whether there is room to ask about all texts: the tokens that this costs at most; the tokens that may be
        spent; how many texts, from the first, may be asked about; and what share of the scarcest resource all take."""
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
        """The values of the texts; only of the first ones if time runs out."""
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
    """What a cell asks, checked for its form, because cells are not trusted."""
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
