"""An engine that gives scripted answers, and the program run with it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

from typer.testing import CliRunner, Result

from rlm_local.cli.app import app
from rlm_local.cli.shared import Loading, Shared
from rlm_local.engine.answer import Answer, Ended, Evidence, Usage
from rlm_local.engine.events import Event, Listener
from rlm_local.home import Home

ANSWER = Answer(
    run_id="0tvb2wcd",
    question="What was billed?",
    answer="136.60",
    found=True,
    ended=Ended.ANSWERED,
    evidence=(Evidence("invoices/2024.csv", 9540, 9606, "I-2024-0141,136.60"),),
    usage=Usage(2071, 23, 1, 1, 0, 36.3),
    model="tiny",
    policy="rules",
)

EVENTS = (
    Event("setup", "loading tiny", 0.5),
    Event("documents", "151 documents"),
    Event("decision", "SEARCH: lookup of one value"),
    Event("cell", "print(\n    1)"),
    Event("output", "1"),
    Event("call", "judging 3 items", 0.0),
    Event("answer", "136.60"),
)


def not_asked(_question: str, **_options: Any) -> Answer:
    raise AssertionError("the engine was asked")


@dataclass
class FakeEngine:
    """Answers by a function of the question and the options, after telling its events."""

    answer: Callable[..., Answer] = lambda question, **_options: replace(ANSWER, question=question)
    events: Sequence[Event] = EVENTS
    listener: Listener | None = None
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    made: list[Loading] = field(default_factory=list[Loading])
    homes: list[Home] = field(default_factory=list[Home])

    @contextmanager
    def make(self, loading: Loading, home: Home, listener: Listener) -> Iterator[Any]:
        self.made.append(loading)
        self.homes.append(home)
        self.listener = listener
        yield self

    def ask(self, question: str, sources: Any, **options: Any) -> Answer:
        paths = list(cast("Any", sources)) if isinstance(sources, Sequence | Mapping) else sources
        self.asked.append({"question": question, "sources": paths, **options})
        for event in self.events:
            assert self.listener is not None
            self.listener(event)
        return self.answer(question, **options)

    def resume(self, record: Any, sources: Sequence[str | Path], _cancel: Any) -> Answer:
        return self.ask(record.start.question, sources, resumes=record.run_id)


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run_program(
    arguments: Sequence[str | Path],
    engine: FakeEngine,
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    protections: Mapping[str, bool] | None = None,
) -> Result:
    """What `rlm-local ARGUMENTS` does with that engine, on a machine that grants those protections. What is no exit
    status is raised."""
    clean = {name: None for name in os.environ if name.startswith("RLM_LOCAL_")}
    use = Shared(Home(home), engine.make, protections=lambda: protections or {})
    result = CliRunner().invoke(app, [*map(str, arguments)], obj=use, env={**clean, **(env or {})}, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
