"""What a cell would have a model asked, and for how much, while nobody is asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlm_local.collection.view import View
from rlm_local.engine.budget import Budget, Price
from rlm_local.engine.semantic.costs import Costs, costs
from rlm_local.engine.semantic.desk import Desk, Value
from rlm_local.models import Model
from rlm_sandbox import HostCallRefused


@dataclass
class Quote:
    """Takes the place of a node's broker for semantic calls, in a session that is thrown away.

    A cell is run with `calls()` for its host calls, and ends where it would have asked. Then `price` is what that would
    have cost at most, whole: `function` about so many `texts`. What later conditions would cost is not known before.
    """

    model: Model
    view: View
    budget: Budget
    function: str = ""
    texts: int = 0
    price: Price = field(default_factory=lambda: Price(0, 0))

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The host calls, by name."""
        return Desk(self, self._priced, _unheard).calls()

    def room(self, once: int) -> Price:  # noqa: ARG002
        """See `Asker.room`."""
        return self.budget.left

    def ask(self, function: str, texts: Sequence[str], constants: tuple[str, ...], costs: Costs) -> list[Value]:  # noqa: ARG002
        """Refuses.

        Raises:
            HostCallRefused: always.
        """
        raise HostCallRefused(f"{function}() is priced here, not answered")

    def _priced(self, function: str, texts: Sequence[str], constants: tuple[str, ...]) -> Costs:
        found = costs(self.model, self.view, function, texts, constants)
        price = found.of(0, len(texts))
        if price.tokens > self.price.tokens:
            self.function, self.texts, self.price = function, len(texts), price
        return found


def _unheard(_what: Mapping[str, Any]) -> None:
    """What a result does not say is of no matter where there is none."""
