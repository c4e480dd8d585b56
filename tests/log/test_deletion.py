"""A run that is deleted is nowhere in the log's files, and no other run misses anything."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_local.errors import StoreError
from rlm_local.log import NodeStart, Outcome, RunStore
from rlm_local.sqlite import connect
from tests.log.sample import answer, call_record, run_start, turn_start, write_run


def write(store: RunStore, words: Sequence[str]) -> str:
    """A run with a child, whose every value holds one of the words."""
    log = store.begin(replace(run_start(words[0]), sources=(f"/records/{words[0]}",), understood={"said": words[0]}))
    node = log.node(NodeStart(words[0]))
    for word in words:
        turn = log.begin_turn(node, replace(turn_start(f"print('{word}')"), text=word))
        log.calls(turn, "judge", [call_record(word)], 0.1)
        child = log.node(NodeStart(f"{word}?", parent=node, depth=1, turn=turn, view={"label": word}))
        log.end_node(child, "answered", {"value": word})
        log.end_turn(turn, word, f"Error: {word}", None, 0.1)
    log.end(answer(log.run_id))
    store.score(Outcome(log.run_id, "train", "group", "branch", "SEARCH count", words[-1], 1.0))
    return log.run_id


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=6), going=st.sets(st.integers(0, 5)))
def test_what_is_left_is_as_it_was_and_nothing_else_is(tmp_path: Path, lengths: list[int], going: set[int]) -> None:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "runs.sqlite"
    path.parent.mkdir()
    with RunStore(path) as store:
        words = [[f"zebra{number}-{part}" for part in range(length)] for number, length in enumerate(lengths)]
        runs = [write(store, some) for some in words]
        gone = {runs[number] for number in going if number < len(runs)}
        kept = {run: store.get(run) for run in runs if run not in gone}
        store.delete(gone)
        store.scrub()
        assert store.known(runs) == set(kept)
        assert {run: store.get(run) for run in kept} == kept
    for number, some in enumerate(words):
        assert all((word.encode() in raw(path)) == (runs[number] in kept) for word in some)


def raw(path: Path) -> bytes:
    """Everything that can be read out of the files: their bytes, and the values that they hold deflated."""
    connection = connect(path)
    connection.create_scalar_function("inflate", zlib.decompress, 1)
    values = [bytes(value) for (value,) in connection.execute("SELECT inflate(data) FROM blob")]
    connection.close()
    return b"\0".join([bytes_of(path.parent), *values])


def test_deflated_values_are_overwritten_where_they_stood(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with RunStore(path) as store:
        kept, gone = write(store, ["kept"]), write(store, ["gone"])
        reader = connect(path)
        before = {bytes(data) for (data,) in reader.execute("SELECT data FROM blob WHERE length(data) > 8")}
        reader.close()
        store.delete([gone])
        store.scrub()
        reader = connect(path)
        after = {bytes(data) for (data,) in reader.execute("SELECT data FROM blob WHERE length(data) > 8")}
        reader.close()
        assert before > after
        everything = bytes_of(tmp_path)
        assert not any(data in everything for data in before - after)
        assert store.known([kept, gone]) == {kept}


def test_the_log_stays_append_only_for_everybody_else(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with RunStore(path) as store:
        write(store, ["kept"])
        store.delete([write(store, ["gone"])])
    connection = connect(path)
    for table in ("run", "blob", "turn", "outcome", "node_end"):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()


def test_a_run_that_is_deleted_under_way_is_told_so(tmp_path: Path) -> None:
    with RunStore(tmp_path / "runs.sqlite") as store, RunStore(tmp_path / "runs.sqlite") as other:
        log = store.begin(run_start())
        other.delete([log.run_id])
        with pytest.raises(StoreError, match="deleted meanwhile"):
            write_run(log, turns=1)
        assert store.known([log.run_id]) == set()


def test_runs_are_found_by_when_they_began_and_by_what_they_are_over(tmp_path: Path) -> None:
    with RunStore(tmp_path / "runs.sqlite") as store:
        first, second = write(store, ["one"]), write(store, ["two"])
        began, later = (store.get(run).started.timestamp() for run in (first, second))
        assert store.before((began + later) / 2) == (first,)  # a datetime is rounded: neither moment is exact
        assert store.before(later + 1) == (first, second)
        assert store.over({"/records/two"}) == (second,)
        assert store.delete(["not-there"]) == 0
