"""Restarts: whether a worker that died may be started again."""

import time
from collections.abc import Callable

from rlm_local.models.errors import WorkerDied
from rlm_local.models.local.process import Death

_IN_VAIN = 3
_PAUSE = 60.0


class Restarts:
    """At once, as long as workers are of use before they die; after three in a row that were not, once a minute.

    Args:
        clock: that of the deaths, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: Death | None = None
        self._in_vain = 0

    def check(self, death: Death) -> None:
        """Raise unless another worker may be started after this death, which may be asked of more than once.

        Raises:
            WorkerDied: it is too soon.
        """
        if death is not self._last:
            self._last = death
            self._in_vain = 0 if death.useful else self._in_vain + 1
        left = death.at + _PAUSE - self._clock()
        if self._in_vain >= _IN_VAIN and left > 0:
            raise WorkerDied(
                f"the model was started {self._in_vain} times, and died before it had evaluated anything; "
                f"the last time: {death.error}",
                remedy=f"The next start is possible in {left:.0f} s",
            )
