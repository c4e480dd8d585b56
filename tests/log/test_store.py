import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_local.engine.answer import Answer, Basis, Ended, Evidence, Usage
from rlm_local.errors import StoreError, UsageError
from rlm_local.log import CallBatch, CallRecord, NodeStart, RunStart, RunStore, TurnEnd, TurnStart
from rlm_local.sqlite import connect
from tests.log.sample import answer, call_record, run_start, turn_start, write_run

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
"""Null characters and lone surrogates too: documents and models produce them."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=4)
MESSAGES = st.lists(st.dictionaries(st.sampled_from(["role", "content"]), TEXT), max_size=4).map(tuple)
IDS = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20).map(tuple)
COUNT = st.integers(0, 10**9)
SECONDS = st.floats(0, 1e6)

STARTS = st.builds(
    RunStart,
    question=TEXT,
    task_id=st.none() | TEXT,
    sources=st.lists(TEXT, max_size=3).map(tuple),
    context_sha256=st.just("ab" * 32),
    context_tokens=COUNT,
    documents=COUNT,
    model=st.just("tiny"),
    model_sha256=st.just("cd" * 32),
    template_sha256=st.just("ef" * 32),
    prompt_version=st.just("1"),
    author=st.sampled_from(["guided", "free"]),
    policy=st.just("rules"),
    limits=OBJECT,
    seed=COUNT,
    price=st.none() | SECONDS,
    resumes=st.none() | TEXT,
    answer_schema=st.none() | OBJECT,
    follows=st.none() | TEXT,
    understood=st.none() | OBJECT,
)
TURNS = st.builds(
    TurnStart,
    state=OBJECT,
    decision=OBJECT,
    messages=MESSAGES,
    prefill=TEXT,
    prompt_ids=IDS,
    completion_ids=IDS,
    text=TEXT,
    plan=st.none() | OBJECT,
    cell=TEXT,
    spent=st.none() | OBJECT,
)
CALLS = st.builds(
    CallRecord,
    messages=MESSAGES,
    prefill=TEXT,
    options=st.lists(TEXT, max_size=3).map(tuple),
    result=OBJECT,
    prompt_tokens=COUNT,
    cached_tokens=COUNT,
    completion_tokens=COUNT,
)
BATCHES = st.builds(
    CallBatch, st.sampled_from(["query", "judge", "choose", "extract"]), st.lists(CALLS, max_size=3).map(tuple), SECONDS
)
ENDS = st.builds(TurnEnd, TEXT, st.none() | TEXT, st.none() | st.just("memory"), SECONDS)
ANSWERS = st.builds(
    Answer,
    run_id=st.just(""),
    question=TEXT,
    answer=TEXT,
    found=st.booleans(),
    ended=st.sampled_from(Ended),
    evidence=st.lists(st.builds(Evidence, TEXT, COUNT, COUNT, TEXT), max_size=2).map(tuple),
    usage=st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT, SECONDS),
    model=TEXT,
    policy=TEXT,
    error=TEXT,
    value=st.none() | TEXT,
    basis=st.none() | st.builds(Basis, COUNT, COUNT, st.floats(0, 1)),
    unseen=st.lists(TEXT, max_size=2).map(tuple),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STARTS, st.lists(st.tuples(TURNS, st.lists(BATCHES, max_size=2), st.none() | ENDS), max_size=2), ANSWERS)
def test_what_was_written_comes_back_equal(
    path: Path, start: RunStart, turns: list[tuple[TurnStart, list[CallBatch], TurnEnd | None]], given_answer: Answer
) -> None:
    with RunStore(path) as store:
        log = store.begin(start)
        node = log.node(NodeStart(start.question))
        child = log.node(NodeStart("a part", node, 1, None, {"label": "a", "spans": [[0, 5]]}, {"tokens": 9}))
        for turn_given, batches, end in turns:
            turn = log.begin_turn(child, turn_given)
            for batch in batches:
                log.calls(turn, batch.kind, batch.calls, batch.seconds)
            if end:
                log.end_turn(turn, **asdict(end))
        given_answer = replace(given_answer, run_id=log.run_id)
        log.end_node(child, "budget", {"found": False})
        log.end(given_answer)
    with RunStore(path) as store:
        record = store.get(log.run_id)
    assert record.start == start
    assert record.answer == given_answer
    part = NodeStart("a part", node, 1, None, {"label": "a", "spans": [[0, 5]]}, {"tokens": 9})
    assert [(n.id, n.start, n.result) for n in record.nodes] == [
        (node, NodeStart(start.question), None),
        (child, part, {"found": False}),
    ]
    assert [(t.start, list(t.batches), t.end) for t in record.nodes[1].turns] == turns


def test_a_number_that_json_cannot_write_is_kept_as_none(path: Path) -> None:
    with RunStore(path) as store:
        start = replace(run_start(), limits={"seconds": float("inf"), "rest": [float("nan"), 1.5]})
        assert store.get(store.begin(start).run_id).start.limits == {"seconds": None, "rest": [None, 1.5]}


def test_equal_messages_are_kept_once(path: Path) -> None:
    long = replace(turn_start(), messages=({"role": "system", "content": "".join(map(chr, range(32, 9000)))},))
    with RunStore(path) as store:
        log = store.begin(run_start())
        node = log.node(NodeStart("?"))
        log.begin_turn(node, long)
        before = _count(path, "blob")
        for _ in range(50):
            log.begin_turn(node, long)
        assert _count(path, "blob") == before
        assert _count(path, "turn") == 51


def test_nothing_is_changed_or_deleted(path: Path) -> None:
    with RunStore(path) as store:
        write_run(store.begin(run_start()), turns=1)
    connection = connect(path)
    for table in ("blob", "run", "node", "turn", "turn_end", "batch", "call", "answer"):
        column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
            with pytest.raises(apsw.ConstraintError, match="append-only"):
                connection.execute(statement)
    connection.close()


def test_an_answer_is_given_once(path: Path) -> None:
    with RunStore(path) as store:
        log = store.begin(run_start())
        log.end(answer(log.run_id))
        with pytest.raises(StoreError):
            log.end(answer(log.run_id, Ended.ERROR))
        assert store.get("last").answer == answer(log.run_id)


def test_run_ids_sort_by_time_even_within_a_second(path: Path) -> None:
    with RunStore(path) as store:
        ids = [store.begin(run_start()).run_id for _ in range(40)]
    assert all(earlier < later for earlier, later in pairwise(ids))
    assert {len(run_id) for run_id in ids} == {8}


def test_list_shows_the_latest_first_and_open_runs_as_unfinished(path: Path) -> None:
    with RunStore(path) as store:
        first, second, third = (store.begin(run_start(f"question {n}", task_id=f"t{n}")) for n in range(3))
        second.end(answer(second.run_id, Ended.BUDGET))
        runs = store.list(limit=2)
        assert [(run.run_id, run.ended, run.question, run.task_id) for run in runs] == [
            (third.run_id, "unfinished", "question 2", "t2"),
            (second.run_id, "budget", "question 1", "t1"),
        ]
        assert runs[0].answer is None
        assert first.run_id in [run.run_id for run in store.list(limit=10)]


def test_a_run_is_found_by_id_prefix_or_last(path: Path) -> None:
    with RunStore(path) as store:
        first = store.begin(run_start()).run_id
        second = store.begin(run_start()).run_id
        assert store.get("last").run_id == second
        assert store.get(first[:6].upper()).run_id == first
        for run, problem in (("", "no run"), ("nonesuch", "no run"), (first[0], "several"), ("%", "no run")):
            with pytest.raises(UsageError, match=problem):
                store.get(run)


def test_last_of_an_empty_log_is_a_clear_error(path: Path) -> None:
    with RunStore(path) as store, pytest.raises(UsageError, match="no run 'last'"):
        store.get("last")


def test_a_log_of_before_there_were_conversations_and_lengths_is_read(path: Path) -> None:
    with RunStore(path) as store:
        run = store.begin(run_start()).run_id
    connection = connect(path)
    for column in ("follows", "understood", "length"):
        connection.execute(f"ALTER TABLE run DROP COLUMN {column}")
    connection.execute("DELETE FROM migration WHERE name IN ('0007 conversation', '0008 length')")
    connection.close()
    with RunStore(path) as store:
        assert store.get(run).start == run_start()
        assert store.followers([run]) == ()
        after = store.begin(replace(run_start(), follows=run, length="short")).run_id
        assert store.followers([run]) == (after,)
        assert store.get(after).start.length == "short"


def test_export_holds_everything_as_json_lines(path: Path) -> None:
    with RunStore(path) as store:
        log = store.begin(run_start())
        write_run(log, turns=2)
        record = store.get(log.run_id)
        lines: list[dict[str, Any]] = [json.loads(line) for line in store.export(log.run_id)]
    assert [line["type"] for line in lines] == ["run", "node", *(["turn", *["call"] * 3] * 2), "answer"]
    run, node, turn, call = lines[:4]
    assert record.answer is not None
    assert lines[-1] == {"type": "answer", **json.loads(json.dumps(record.answer.data()))}
    assert run["run_id"] == log.run_id
    assert (run["context_sha256"], run["limits"]) == (run_start().context_sha256, run_start().limits)
    assert (turn["node"], node["node"]) == (node["node"], record.nodes[0].id)
    assert turn["prompt_ids"] == list(range(700))
    assert turn["end"] == {"output": "0\n", "error": None, "stopped": None, "seconds": 0.1}
    assert (call["turn"], call["batch"], call["kind"]) == (turn["turn"], 0, "judge")
    assert call["messages"] == list(call_record("visit 0.0").messages)


def test_an_unfinished_run_is_exported_as_far_as_it_went(path: Path) -> None:
    with RunStore(path) as store:
        log = store.begin(run_start())
        log.begin_turn(log.node(NodeStart("?")), turn_start())
        lines = [json.loads(line) for line in store.export("last")]
    assert [line["type"] for line in lines] == ["run", "node", "turn"]
    assert lines[-1]["end"] is None


def test_threads_of_one_run_write_at_once(path: Path) -> None:
    with RunStore(path) as store:
        log = store.begin(run_start())
        root = log.node(NodeStart("?"))

        def child(number: int) -> None:
            node = log.node(NodeStart(f"part {number}", root, 1))
            for turn in range(3):
                log.begin_turn(node, turn_start(f"part {number} turn {turn}"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(child, range(16)))
        nodes = store.get(log.run_id).nodes[1:]
    cells = {node.question: [turn.start.cell for turn in node.turns] for node in nodes}
    assert cells == {f"part {n}": [f"part {n} turn {t}" for t in range(3)] for n in range(16)}


def _count(path: Path, table: str) -> int:
    connection = connect(path)
    try:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()
