"""Live progress on stderr: a moving line on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TextIO

from rlm_local.cli.terminal import clean, console, one_line

if TYPE_CHECKING:
    from rich.syntax import Syntax

    from rlm_local.engine.events import Event

_WIDTH = 72
_LINE, _NOTICE = 200, 1000
"""Characters of a line. A notice says at its end what is done about all that did not work."""
_INDENT = "  "


class Progress(Protocol):
    """A listener of events, which is also told how many tasks are done."""

    def __call__(self, event: "Event") -> None: ...

    def count(self, done: int, total: int) -> None: ...

    def note(self, text: str) -> None: ...


@contextmanager
def progress(*, verbose: bool = False) -> Generator[Progress]:
    """Progress until the context ends. `verbose` shows cells and what they print."""
    if not sys.stderr.isatty():
        yield PlainProgress(sys.stderr, verbose=verbose)
        return
    with LiveProgress(sys.stderr, verbose=verbose) as live:
        yield live


class PlainProgress:
    """A line for each thing that begins; how far along it is, is not said."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._last = ""
        self._lock = Lock()

    def __call__(self, event: "Event") -> None:
        if event.kind == "answer":
            return
        if event.kind in ("cell", "output"):
            if self._verbose:
                self._write(_block(event))
            return
        if event.kind == "understood":
            self._write(understood(event))
            return
        line = _line(event)
        if line != self._last:
            self._last = line
            self._write(line)

    def count(self, done: int, total: int) -> None:
        self._write(f"{done} of {total}")

    def note(self, text: str) -> None:
        self._write(clean(text))

    def _write(self, text: str) -> None:
        with self._lock, suppress(OSError):  # whoever read it has gone; the run goes on
            self._stream.write(f"{text}\n")
            self._stream.flush()


class LiveProgress:
    """One moving line for what is being done, another for a count of tasks; decisions stay above them."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        self._console = console(stream)
        text = TextColumn("{task.description}", markup=False)
        self._bars = Bars(
            SpinnerColumn(), text, BarColumn(bar_width=24), TimeElapsedColumn(), console=self._console, transient=True
        )
        self._verbose = verbose
        self._tasks = self._bars.add_task("tasks", visible=False)
        self._now = self._bars.add_task("starting", total=None)

    def __enter__(self) -> "LiveProgress":
        self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()

    def __call__(self, event: "Event") -> None:
        if event.kind in ("setup", "call"):
            total = None if event.fraction is None else 1.0
            text = one_line(event.text, _WIDTH)
            self._bars.update(self._now, description=text, total=total, completed=event.fraction or 0.0)
            return
        if event.kind == "understood":
            self._print(understood(event), style="dim")
        elif event.kind in ("decision", "documents", "notice"):
            self._print(_line(event), style="dim")
        elif event.kind == "cell" and self._verbose:
            from rich.syntax import Syntax

            self._print(Syntax(clean(event.text), "python", background_color="default", word_wrap=True))
        elif event.kind == "output" and self._verbose:
            self._print(_block(event))
        what = {
            "decision": "thinking",
            "cell": "running a program",
            "output": "thinking",
            "documents": "reading",
            "understood": "reading",
            "notice": "setting up",
        }
        self._bars.update(self._now, description=what.get(event.kind, event.kind), total=None)

    def count(self, done: int, total: int) -> None:
        self._bars.update(self._tasks, description=f"{done} of {total}", completed=done, total=total, visible=True)

    def note(self, text: str) -> None:
        self._print(clean(text))

    def _print(self, what: "str | Syntax", style: str | None = None) -> None:
        with suppress(OSError):
            self._console.print(what, style=style)


def understood(event: "Event") -> str:
    """What a question was taken for, as a person is told."""
    return f"understood as: {one_line(event.text, 400)}"


def _line(event: "Event") -> str:
    return f"{_INDENT * event.depth}{one_line(event.text, _NOTICE if event.kind == 'notice' else _LINE)}"


def _block(event: "Event") -> str:
    mark = ">>> " if event.kind == "cell" else "    "
    return "\n".join(f"{_INDENT * event.depth}{mark}{line}" for line in clean(event.text).rstrip().split("\n"))
