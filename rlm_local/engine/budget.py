"""The budget of a run: one ledger of tokens, calls, nodes and time, which are reserved before they are spent."""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rlm_local.models import Usage as Tokens


@dataclass(frozen=True)
class Limits:
    """What a run may cost.

    Attributes:
        tokens: evaluated or generated.
        calls: of the model.
        seconds: of wall time.
        nodes: of the tree.
        depth: the deepest level of nodes; the root is at 0.
    """

    tokens: int = 200_000
    calls: int = 2_000
    seconds: float = 1_800.0
    nodes: int = 256
    depth: int = 2


@dataclass(frozen=True)
class Price:
    """The most that something will cost, known before it starts."""

    tokens: int
    calls: int
    nodes: int = 0

    def __add__(self, other: "Price") -> "Price":
        return Price(self.tokens + other.tokens, self.calls + other.calls, self.nodes + other.nodes)

    def __sub__(self, other: "Price") -> "Price":
        return Price(self.tokens - other.tokens, self.calls - other.calls, self.nodes - other.nodes)

    def within(self, other: "Price") -> bool:
        """Whether no part of it is more than the other's."""
        return self.tokens <= other.tokens and self.calls <= other.calls and self.nodes <= other.nodes


class Refused(Exception):  # noqa: N818  not a failure: an answer that carries the price
    """The budget has too little left for a price. The caller may try something cheaper."""

    def __init__(self, price: Price, left: Price) -> None:
        nodes = f" and {price.nodes} nodes" if price.nodes else ""
        nodes_left = f" and {left.nodes} nodes" if price.nodes else ""
        super().__init__(
            f"this would cost {price.tokens} tokens in {price.calls} calls{nodes}; "
            f"{left.tokens} tokens and {left.calls} calls{nodes_left} are left"
        )
        self.price, self.left = price, left


@dataclass
class Receipt:
    """What a reserved batch has really cost so far; whoever holds the receipt fills it in."""

    tokens: Tokens = field(default_factory=Tokens)
    calls: int = 0
    nodes: int = 0


class Budget:
    """The ledger. It may be shared between threads. What is reserved and not spent returns when the batch ends.

    Args:
        started: when the run began, on the monotonic clock; now by default.
    """

    def __init__(self, limits: Limits, started: float | None = None) -> None:
        self.limits = limits
        self.spent = Tokens()
        self.calls = 0
        self.nodes = 0
        self.started = time.monotonic() if started is None else started
        self._held = Price(0, 0)
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float:
        """The moment, on the monotonic clock, at which the run is out of time."""
        return self.started + self.limits.seconds

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started

    @property
    def left(self) -> Price:
        """What is neither spent nor reserved."""
        with self._lock:
            return self._left()

    def _left(self) -> Price:
        used = Price(self.spent.prompt_tokens + self.spent.completion_tokens, self.calls, self.nodes)
        return Price(self.limits.tokens, self.limits.calls, self.limits.nodes) - used - self._held

    @contextmanager
    def reserve(self, price: Price) -> Generator[Receipt]:
        """Hold the price of a batch while it runs; afterwards, what its receipt says is spent.

        Raises:
            Refused: the price is more than what is left. Nothing is held then.
        """
        with self._lock:
            left = self._left()
            if not price.within(left):
                raise Refused(price, left)
            self._held += price
        receipt = Receipt()
        try:
            yield receipt
        finally:
            with self._lock:
                self._held -= price
                self.spent = self.spent + receipt.tokens
                self.calls += receipt.calls
                self.nodes += receipt.nodes

    @contextmanager
    def shares(self, prices: Sequence[Price]) -> "Generator[list[Budget]]":
        """A ledger for each of several children, all reserved before the first child begins.

        A child can spend neither more than its share nor any of another's. What is left returns when all have ended.

        Raises:
            Refused: together they are more than what is left. Nothing is held then.
        """
        with self.reserve(sum(prices, Price(0, 0))) as receipt:
            shares = [self._share(price) for price in prices]
            try:
                yield shares
            finally:
                receipt.tokens = sum((share.spent for share in shares), Tokens())
                receipt.calls = sum(share.calls for share in shares)
                receipt.nodes = sum(share.nodes for share in shares)

    def _share(self, price: Price) -> "Budget":
        limits = Limits(price.tokens, price.calls, self.limits.seconds, price.nodes, self.limits.depth)
        return Budget(limits, self.started)
