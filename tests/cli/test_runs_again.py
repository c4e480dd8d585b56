"""`runs replay`, `runs diff` and `runs show --tree`, over runs that a scripted model made in the real sandbox."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rlm_local.cli.app import app
from rlm_local.cli.shared import Loading, Shared
from rlm_local.engine.engine import Engine
from rlm_local.home import Home
from rlm_local.log import NodeStart, RunStore
from rlm_local.models import ModelSpec
from rlm_sandbox import Image
from tests.cli.fakes import FakeEngine, not_asked, run_program
from tests.engine.records import DOCUMENTS
from tests.engine.script import writer
from tests.log.sample import call_record, run_start, turn_start, write_run
from tests.models.fakes import ScriptedModel

QUESTION = "How many visits were cancelled?"
COUNT = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled'"
NAMES = "SELECT DISTINCT patient FROM visits WHERE status = 'cancelled'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    for name, text in DOCUMENTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def ask(home: Path, image: Image, folder: Path, program: str) -> str:
    spec = ModelSpec("scripted", "", "", 0, "")
    with Engine.of(spec, writer(program), image, RunStore(Home(home).runs)) as engine:
        return engine.ask(QUESTION, [folder]).run_id


@contextmanager
def vocabulary(_model: str, _home: Home) -> Generator[Callable[[str], int]]:
    yield ScriptedModel().count


def replay(home: Path, image_directory: Path, *arguments: str | Path) -> Result:
    home_image = home / "image"
    if not home_image.exists():
        home_image.symlink_to(image_directory)
    use = Shared(Home(home), FakeEngine(not_asked).make, vocabulary)
    return CliRunner().invoke(app, ["runs", "replay", *map(str, arguments)], obj=use)


def test_a_run_is_replayed_from_its_own_documents(
    home: Path, image: Image, image_directory: Path, folder: Path
) -> None:
    ask(home, image, folder, COUNT)
    result = replay(home, image_directory, "last")
    assert (result.exit_code, result.stdout) == (0, "as logged: 1 turns, 0 leaf calls\n")
    moved = folder.rename(folder.with_name("moved"))
    assert replay(home, image_directory, "last").exit_code == 1
    assert replay(home, image_directory, "last", moved).exit_code == 0
    (moved / "visits.csv").write_text("visit_id\nV-1\n")
    other = replay(home, image_directory, "last", moved)
    assert other.exit_code == 2
    assert "the documents are not what run" in other.stderr


def test_two_runs_of_one_question_side_by_side(home: Path, image: Image, folder: Path) -> None:
    first = ask(home, image, folder, COUNT)
    second = ask(home, image, folder, NAMES)
    engine = FakeEngine(not_asked)
    said = run_program(("runs", "diff", first, second), engine, home).stdout
    for part in (
        QUESTION,
        first,
        second,
        "policy   prompted",
        "answer   3           Ben Okafor, Dan Vogel",
        "turn 1",
        '+rows = sql("""SELECT DISTINCT patient FROM visits',
    ):
        assert part in said
    assert run_program(("runs", "diff", first, first), engine, home).stdout.endswith("cell      the same\n")


def test_runs_of_different_questions_are_not_compared(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        ids = [store.begin(run_start(question)).run_id for question in ("one?", "two?")]
    result = run_program(("runs", "diff", *ids), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert "are of different questions" in result.stderr


def test_a_run_that_did_more_stands_beside_one_that_died(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        whole, dead = store.begin(run_start()), store.begin(run_start())
        write_run(whole, turns=2)
    said = run_program(("runs", "diff", dead.run_id, whole.run_id), FakeEngine(not_asked), home).stdout
    assert "ended    unfinished  answered" in said
    assert "calls       3 judge" in said


def test_nodes_of_one_part_stand_side_by_side_and_others_alone(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        runs = [store.begin(run_start()) for _ in range(2)]
        for log, parts in zip(runs, (("a.txt", "b.txt"), ("b.txt", "c.txt")), strict=True):
            root = log.node(NodeStart("How many?"))
            turn = log.begin_turn(root, turn_start("ask()"))
            for part in parts:
                child = log.node(NodeStart("How many?", root, 1, turn, {"label": part, "spans": [[0, 9]]}))
                log.calls(log.begin_turn(child, turn_start(f"print({part!r})")), "query", [call_record("c")], 0.5)
                log.end_node(child, "answered", {"answer": f"{part} in {log.run_id}", "ended": "answered"})
    first, second = (log.run_id for log in runs)
    said = run_program(("runs", "diff", first, second), FakeEngine(not_asked), home).stdout
    lines = [line for line in said.splitlines() if line.startswith(("turn", "only", "result")) or "turn" in line]
    assert lines == [
        "turn 1",
        f"only {first}: a.txt: SEARCH → a.txt in {first} · 1 leaf calls, 20 tokens",
        "b.txt: turn 1",
        f"result  b.txt in {first}  b.txt in {second}",
        f"only {second}: c.txt: SEARCH → c.txt in {second} · 1 leaf calls, 20 tokens",
    ]


def test_the_tree_has_the_cost_of_each_branch(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        log = store.begin(run_start())
        root = log.node(NodeStart("How many?"))
        turn = log.begin_turn(root, turn_start("print(1)\nprint(2)"))
        log.calls(turn, "judge", [call_record("a"), call_record("b")], 1.5)
        log.end_turn(turn, "1\n2\n", None, None, 1.0)
        child = log.node(NodeStart("a part of it\x1b[2J", root, 1, turn, {"label": "b.txt 1/2", "spans": [[0, 9]]}))
        below = log.begin_turn(child, turn_start("1 / 0"))
        log.calls(below, "query", [call_record("c")], 0.5)
        log.end_turn(below, "", "Traceback:\nZeroDivisionError: division by zero\n", None, 1.0)
        log.begin_turn(child, turn_start())
        log.end_node(root, "budget", {"answer": "12", "ended": "budget"})
    said = run_program(("runs", "show", "last", "--tree"), FakeEngine(not_asked), home).stdout
    lines = [line.strip("│├└─ ").rstrip() for line in said.splitlines()]
    assert lines == [
        f"run {log.run_id}: 3 leaf calls, 60 tokens",
        "How many? · 3 leaf calls, 60 tokens",
        "1. SEARCH (SEARCH 82%, MAP 18%): fields",
        "print(1)",
        "print(2)",
        "judge: 2 leaf calls, 40 tokens · 1.5 s",
        "→ 1 2",
        "b.txt 1/2: a part of it\ufffd[2J · 1 leaf calls, 20 tokens",
        "1. SEARCH (SEARCH 82%, MAP 18%): fields",
        "1 / 0",
        "query: 1 leaf calls, 20 tokens · 0.5 s",
        "failed: ZeroDivisionError: division by zero",
        "2. SEARCH (SEARCH 82%, MAP 18%): fields",
        "print(len(rows('visits')))",
        "never came to its end",
        "= 12 (budget)",
    ]


def test_a_run_is_gone_on_with_over_its_own_documents(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The courier comes at ten.\n")
    with RunStore(Home(home).runs) as store:
        run_id = store.begin(replace(run_start(), sources=(str(tmp_path / "a.txt"),))).run_id
    engine = FakeEngine()
    result = run_program(("runs", "resume", run_id), engine, home)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "136.60")
    [asked] = engine.asked
    assert (asked["resumes"], asked["sources"], engine.made) == (run_id, [str(tmp_path / "a.txt")], [Loading("tiny")])
