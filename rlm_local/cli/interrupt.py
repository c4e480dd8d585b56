"""Ctrl-C: while something is set up it ends that; then the first one cancels, and the second one leaves at once."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from rlm_local.cli.terminal import complain

if TYPE_CHECKING:
    from rlm_local.models import Cancel

CANCELLED = 130

T = TypeVar("T")


@contextmanager
def interruptible() -> Generator[None]:
    """Ctrl-C raises KeyboardInterrupt at once and, where a library's callback swallowed that, when the context ends."""
    interrupted = False

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


def cancellable(work: Callable[["Cancel"], T]) -> T:
    """What `work` returns or raises. It runs in a thread of its own, so that this one is free for signals.

    The first Ctrl-C cancels and waits for the best answer so far, the second one leaves at once.
    """
    from rlm_local.models import Cancel

    cancel = Cancel()
    done = Event()
    returned: list[T] = []
    raised: list[BaseException] = []

    def target() -> None:
        try:
            returned.append(work(cancel))
        except BaseException as error:  # noqa: BLE001  (raised again where it was waited for)
            raised.append(error)
        finally:
            done.set()

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        if cancel.cancelled:
            if os.isatty(2):
                os.write(2, b"\x1b[?25h\n")  # the progress hid the cursor
            os._exit(CANCELLED)
        complain("cancelling; once more to leave at once")
        cancel.cancel()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        Thread(target=target, name="rlm-local-work", daemon=True).start()
        done.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if raised:
        raise raised[0]
    return returned[0]
