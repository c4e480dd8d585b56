"""Datasets as queries over a log that the tests write."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlm_local.engine.answer import Answer, Ended, Usage
from rlm_local.log import CallRecord, NodeStart, Outcome, RunStore
from rlm_local.sqlite import connect
from rlm_training.datasets import Dataset, build, gone, load, save
from rlm_training.errors import DataError, TrainingError
from rlm_training.trajectories import states
from tests.log.sample import run_start, turn_start
from tests.training.test_convert import full_disk

MODEL, VERSION = run_start().model_sha256, run_start().prompt_version
LOOKS = {"tables": 1, "text": 2, "each document": 3, "each row": 4}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path / "runs.sqlite") as store:
        yield store


def keep(
    store: RunStore,
    task: int,
    look: str,
    score: float,
    *,
    cost: int = 100,
    split: str = "train",
    turns: int = 1,
    error: str | None = None,
    planned: bool = True,
    group: str | None = None,
) -> str:
    """One alternative of a task, as the collection leaves it. Returns the run's id."""
    log = store.begin(run_start(f"Question {task}?", f"task {task}"))
    node = log.node(NodeStart(f"Question {task}?"))
    for _ in range(turns):
        start = replace(
            turn_start(),
            messages=({"role": "user", "content": f"Question {task}?"},),
            prompt_ids=(7, 8, task) if planned else (),
            completion_ids=(LOOKS[look], 9) if planned else (),
            text=f"look: {look}\n",
            plan={"look": look} if planned else None,
        )
        turn = log.begin_turn(node, start)
        log.calls(turn, "extract", [CallRecord((), "", (), {}, cost, 0, 0)], 0.1)
        log.end_turn(turn, "", error, None, 0.1)
    log.end(Answer(log.run_id, "", "x", True, Ended.ANSWERED, (), Usage(), "tiny", "forced"))
    store.score(
        Outcome(
            log.run_id,
            split,  # pyright: ignore[reportArgumentType]
            group or f"group {task}",
            f"task {task}",
            f"SEARCH {look}",
            "x",
            score,
        )
    )
    return log.run_id


def made(store: RunStore, form: Any = "sft", **settings: Any) -> Dataset:
    return build(states(store, MODEL, VERSION), form, **{"max_length": 100, "balance": 9.0, **settings})


def two_decisions(store: RunStore) -> None:
    keep(store, 1, "tables", 1.0)
    keep(store, 2, "each document", 1.0)


def test_the_cheapest_that_solves_is_the_label(store: RunStore) -> None:
    keep(store, 1, "tables", 0.0, cost=10)
    keep(store, 1, "each document", 1.0, cost=900)
    keep(store, 1, "text", 1.0, cost=20)
    keep(store, 2, "each row", 1.0)
    keep(store, 3, "tables", 1.0, split="held-out")
    dataset = made(store)
    assert {(s.task, s.decision, s.prompt_ids, s.completion_ids) for s in dataset.samples} == {
        ("task 1", "text", (7, 8, 1), (2, 9)),
        ("task 2", "each row", (7, 8, 2), (4, 9)),
        ("task 3", "tables", (7, 8, 3), (1, 9)),
    }
    assert [s.task for s in dataset.split("held-out")] == ["task 3"]


def test_where_nothing_solves_it_is_what_comes_nearest(store: RunStore) -> None:
    keep(store, 1, "tables", 0.56, cost=10)
    keep(store, 1, "each row", 0.75, cost=900)
    keep(store, 1, "each document", 0.75, cost=1_000)
    keep(store, 2, "tables", 0.5)
    keep(store, 3, "each document", 0.9, cost=10)
    keep(store, 3, "text", 1.0, cost=20)
    dataset = made(store)
    assert {sample.task: sample.decision for sample in dataset.samples} == {"task 1": "each row", "task 3": "text"}
    assert dataset.dropped == {"solved by no alternative": 1}


def test_what_solves_one_question_and_fails_most_of_its_wording_is_luck(store: RunStore) -> None:
    for number, reading in enumerate((1.0, 0.0, 0.25), 1):
        keep(store, number, "each document", reading, cost=10, group="in how many")
    keep(store, 2, "each row", 1.0, cost=900, group="in how many")
    keep(store, 3, "each row", 0.0, cost=900, group="in how many")
    keep(store, 4, "each document", 1.0, group="which")
    dataset = made(store)
    assert {sample.task: sample.decision for sample in dataset.samples} == {
        "task 2": "each row",
        "task 4": "each document",
    }
    assert dataset.dropped == {"solved by luck": 1, "solved by no alternative": 1}


def test_preferences_are_the_label_against_what_went_wrong(store: RunStore) -> None:
    keep(store, 1, "tables", 1.0)
    keep(store, 1, "each document", 0.0)
    keep(store, 1, "text", 1.0, cost=500)  # right, only dearer: nothing against it
    keep(store, 2, "each document", 1.0)
    keep(store, 2, "tables", 0.2)
    pairs = {(s.completion_ids[0], s.rejected_ids[0]) for s in made(store, "dpo").samples}
    assert pairs == {(LOOKS["tables"], LOOKS["each document"]), (LOOKS["each document"], LOOKS["tables"])}
    marked = sorted((s.task, s.decision, s.good) for s in made(store, "kto").samples)
    assert marked == [
        ("task 1", "each document", False),
        ("task 1", "tables", True),
        ("task 2", "each document", True),
        ("task 2", "tables", False),
    ]
    assert {(s.prompt_ids, s.completion_ids) for s in made(store, "grpo").samples} == {((7, 8, 1), ()), ((7, 8, 2), ())}


def test_what_was_left_out_is_counted_with_the_reason(store: RunStore) -> None:
    two_decisions(store)
    keep(store, 3, "tables", 0.5)
    keep(store, 4, "tables", 1.0, turns=2)
    keep(store, 5, "tables", 1.0, error="Traceback")
    keep(store, 6, "each document", 1.0, planned=False)
    dataset = made(store)
    assert dataset.dropped == {
        "solved by no alternative": 1,
        "best: answered by a later look": 1,
        "best: a cell that failed": 1,
        "best: no model decided": 1,
    }
    assert len(dataset.samples) == 2


def test_the_same_tokens_are_learned_once_and_long_ones_not_at_all(store: RunStore) -> None:
    two_decisions(store)
    keep(store, 1, "tables", 1.0)  # of the same state: no second sample
    assert len(made(store).samples) == 2
    with pytest.raises(DataError, match="2 longer than max_length"):
        made(store, max_length=4)


def test_no_decision_has_more_than_its_share_for_training(store: RunStore) -> None:
    for task in range(1, 9):
        keep(store, task, "tables", 1.0)
    keep(store, 9, "each document", 1.0)
    keep(store, 10, "each document", 1.0)
    dataset = made(store, balance=1.0)
    assert dataset.report()["kept"]["train"] == {"tables": 5, "each document": 2}
    assert dataset.dropped == {"more than its share": 3}
    assert made(store, balance=1.0).samples == dataset.samples


def test_a_log_without_anything_to_learn(store: RunStore) -> None:
    with pytest.raises(DataError, match="nothing was collected"):
        made(store)
    keep(store, 1, "tables", 0.0)
    with pytest.raises(DataError, match="1 solved by no alternative"):
        made(store)
    keep(store, 2, "tables", 1.0)
    with pytest.raises(DataError, match="every sample decides tables"):
        made(store)


def test_a_group_in_both_splits_is_refused(store: RunStore) -> None:
    keep(store, 1, "tables", 1.0, group="same")
    keep(store, 2, "each document", 1.0, group="same", split="held-out")
    with pytest.raises(DataError, match="'same' is for training and held out"):
        made(store)


def test_a_broken_row_costs_only_itself(store: RunStore, tmp_path: Path) -> None:
    two_decisions(store)
    broken = keep(store, 3, "tables", 1.0)
    connection = connect(tmp_path / "runs.sqlite")
    connection.execute("DROP TRIGGER run_no_UPDATE")
    connection.execute("UPDATE run SET limits = ? WHERE run_id = ?", (b"\0" * 32, broken))
    connection.close()
    dataset = made(store)
    assert len(dataset.samples) == 2
    assert dataset.dropped["damaged in the log"] == 1


def test_a_saved_dataset_comes_back(store: RunStore, tmp_path: Path) -> None:
    two_decisions(store)
    dataset = made(store, about={"model_sha256": MODEL})
    save(dataset, tmp_path / "data")
    again = load(tmp_path / "data")
    assert (again.format, again.samples, again.dropped) == (dataset.format, dataset.samples, dataset.dropped)
    assert again.about["model_sha256"] == MODEL
    report = json.loads((tmp_path / "data" / "report.json").read_text())
    texts = sorted(sample["text"] for sample in report["samples"])
    assert texts == ["Question 1?\nlook: tables\n", "Question 2?\nlook: each document\n"]


def test_a_broken_line_of_a_dataset_is_named(store: RunStore, tmp_path: Path) -> None:
    two_decisions(store)
    save(made(store), tmp_path / "data")
    with (tmp_path / "data" / "train.jsonl").open("a") as file:
        file.write('{"task": 1}\n')
    with pytest.raises(DataError, match=r"train\.jsonl, line 3 is no sample"):
        load(tmp_path / "data")
    with pytest.raises(DataError, match="is no dataset"):
        load(tmp_path / "elsewhere")


def test_a_full_disk_leaves_no_half_dataset(store: RunStore, tmp_path: Path) -> None:
    two_decisions(store)
    dataset = made(store)
    with full_disk(50), pytest.raises(TrainingError, match="cannot be written"):
        save(dataset, tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir() if "data" in path.name] == []


def test_it_remembers_its_runs_and_says_which_are_gone(store: RunStore, tmp_path: Path) -> None:
    right, wrong = keep(store, 1, "tables", 1.0, cost=10), keep(store, 1, "text", 0.0)
    other, failed = keep(store, 2, "each document", 1.0, cost=10), keep(store, 2, "text", 0.0)
    save(made(store, "dpo"), tmp_path / "data")
    dataset = load(tmp_path / "data")
    assert dataset.runs == tuple(sorted((right, wrong, other, failed)))
    assert json.loads((tmp_path / "data" / "report.json").read_text())["runs"] == list(dataset.runs)
    assert gone(dataset, store) == ""
    store.delete([wrong, failed])
    assert gone(dataset, store).startswith("2 of the 4 runs")
