"""The host's side of semantic calls: what a cell may have answered, and for how much."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from rlm_local.engine.semantic.prepare import FUNCTIONS, Unfit, as_json, prepare
from rlm_sandbox import HostCallRefused

Value = str | int | float | None
Ask = Callable[[str, Sequence[str], tuple[str, ...]], Sequence[Value]]
"""(function, texts, constants) -> a value for each text, in one batch. What it raises ends the cell."""
PriceOf = Callable[[str, Sequence[str], tuple[str, ...]], int]
"""(function, texts, constants) -> tokens that asking would evaluate."""


class Desk:
    """Answers a cell's semantic calls; its functions are host calls of a session.

    Args:
        ask: asks a model, all texts at once.
        price: what that would cost. It does not fall as texts are added.
        room: tokens that may be spent now, of the budget and of the time that is left.
        note: told what a result does not say of itself: `{"estimate": ...}` or `{"unseen": ...}`, as the cell gives it.
    """

    def __init__(
        self, ask: Ask, price: PriceOf, room: Callable[[], int], note: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._ask_all, self._price, self._room, self._note = ask, price, room, note

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

    def _fits(self, function: Any, constants: Any, texts: Any) -> dict[str, int]:
        """The price of asking about all texts, what may be spent, and how many of them, from the first, fit that."""
        name, asked, what = _checked(function, constants, texts)
        room = self._room()
        price = self._price(name, asked, what)
        low, high = (len(asked), len(asked)) if price <= room else (0, len(asked) - 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._price(name, asked[:middle], what) <= room else (low, middle - 1)
        return {"price": price, "room": room, "fits": low}

    def _ask(self, function: Any, constants: Any, texts: Any) -> list[Value]:
        name, asked, what = _checked(function, constants, texts)
        price, room = self._price(name, asked, what), self._room()
        if price > room:
            raise HostCallRefused(f"{name}() about {len(asked):,} texts takes {price:,} tokens; {room:,} are left")
        return list(self._ask_all(name, asked, what))

    def _noted(self, what: Any) -> None:
        if not isinstance(what, dict):
            raise HostCallRefused("a note is an object")
        self._note(cast("dict[str, Any]", what))


def _checked(function: Any, constants: Any, texts: Any) -> tuple[str, list[str], tuple[str, ...]]:
    """What a cell asks, if it is of the right form: the cell is not believed."""
    if not isinstance(function, str) or function not in FUNCTIONS:
        raise HostCallRefused(f"there is no semantic function {function!r}")
    return function, _texts(texts), tuple(_texts(constants))


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in cast("list[object]", value)):
        raise HostCallRefused("texts and constants are lists of texts")
    return cast("list[str]", value)
