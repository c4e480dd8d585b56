"""One ledger for the whole tree: tokens, calls and time, reserved before they are spent."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rlm_local.models import Usage as Tokens


@dataclass(frozen=True)
class Limits:
    """What a run may cost: tokens evaluated or generated, leaf calls, seconds of wall time."""

    tokens: int = 200_000
    calls: int = 2_000
    seconds: float = 1_800.0


@dataclass(frozen=True)
class Price:
    """What something will cost at most, known before it starts."""

    tokens: int
    calls: int


class Refused(Exception):  # noqa: N818  not a failure: an answer that carries the price
    """The ledger has not enough left. The caller may ask for something cheaper."""

    def __init__(self, price: Price, left: Price) -> None:
        super().__init__(
            f"this would cost {price.tokens} tokens in {price.calls} calls; "
            f"{left.tokens} tokens and {left.calls} calls are left"
        )
        self.price, self.left = price, left


@dataclass
class Receipt:
    """What a reserved batch has really cost so far; its holder adds to it."""

    tokens: Tokens = field(default_factory=Tokens)
    calls: int = 0


class Budget:
    """The ledger. Safe to share between threads; what is reserved and not used returns when the batch ends."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.spent = Tokens()
        self.calls = 0
        self.started = time.monotonic()
        self._held = Price(0, 0)
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float:
        """The moment, on the monotonic clock, at which the run is out of time."""
        return self.started + self.limits.seconds

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def left(self) -> Price:
        """What neither is spent nor reserved."""
        with self._lock:
            return self._left()

    def _left(self) -> Price:
        used = self.spent.prompt_tokens + self.spent.completion_tokens
        return Price(self.limits.tokens - used - self._held.tokens, self.limits.calls - self.calls - self._held.calls)

    @contextmanager
    def reserve(self, price: Price) -> Generator[Receipt]:
        """Hold the price of a batch while it runs; afterwards only what its receipt says is spent.

        Raises:
            Refused: more than is left. Nothing is held then.
        """
        with self._lock:
            left = self._left()
            if price.tokens > left.tokens or price.calls > left.calls:
                raise Refused(price, left)
            self._held = Price(self._held.tokens + price.tokens, self._held.calls + price.calls)
        receipt = Receipt()
        try:
            yield receipt
        finally:
            with self._lock:
                self._held = Price(self._held.tokens - price.tokens, self._held.calls - price.calls)
                self.spent = self.spent + receipt.tokens
                self.calls += receipt.calls
