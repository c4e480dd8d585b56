import io

import pytest

from rlm_local.cli.progress import LiveProgress, PlainProgress
from rlm_local.engine.events import Event
from tests.cli.fakes import EVENTS, Terminal


@pytest.mark.parametrize(("verbose", "cell"), [(True, 1), (False, 0)])
def test_a_terminal_keeps_decisions_and_when_asked_cells(verbose: bool, cell: int) -> None:
    stream = Terminal()
    with LiveProgress(stream, verbose=verbose) as live:
        for event in EVENTS:
            live(event)
        live.count(3, 40)
        live.note("q3: answered")
    said = stream.getvalue()
    assert said.count("SEARCH: lookup of one value") == 1
    assert said.count("q3: answered") == 1
    assert ("print" in said) == bool(cell)


def test_a_terminal_obeys_no_event() -> None:
    stream = Terminal()
    with LiveProgress(stream, verbose=True) as live:
        for kind in ("setup", "documents", "decision", "cell", "output", "call"):
            live(Event(kind, "[bold]x[/bold]\x1b]0;owned\x07 :smile:", fraction=0.5))
    said = stream.getvalue()
    assert "\x1b]0;" not in said
    assert "\x07" not in said
    assert "[bold]x[/bold]" in said
    assert ":smile:" in said


def test_a_notice_is_told_to_its_end() -> None:
    notice = Event("notice", f"llama.cpp: {'this one died of SIGILL; ' * 12}that one works and is used")
    terminal, elsewhere = Terminal(), io.StringIO()
    with LiveProgress(terminal, verbose=False) as live:
        live(notice)
    PlainProgress(elsewhere, verbose=False)(notice)
    for said in (terminal.getvalue(), elsewhere.getvalue()):
        assert said.count("this one died of SIGILL") == 12
        assert "that one works and is used" in " ".join(said.split())
