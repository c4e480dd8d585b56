"""Threads for what takes its time, apart from those that let requests in: a replay keeps no key from being checked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from rlm_local.serve.errors import BusyError

_THREADS = 4
_MOST = 64
"""That are worked on or wait."""

P = ParamSpec("P")
T = TypeVar("T")


class Slow:
    """For the event loop's thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="rlm-local-slow")
        self._pending = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work returns, or raises.

        Raises:
            BusyError: too much of it is under way.
        """
        if self._pending >= _MOST:
            raise BusyError("too much is being read and replayed", remedy="Try again later", code="busy")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))
        finally:
            self._pending -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
