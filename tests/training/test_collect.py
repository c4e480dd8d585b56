"""Collecting and evaluating with a scripted model, in the real sandbox."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.bench.scoring import Task
from rlm_local.corpus import Corpus
from rlm_local.engine.answer import Answer
from rlm_local.engine.calibrated import labelled
from rlm_local.engine.engine import Engine
from rlm_local.engine.guided import PROMPT_VERSION
from rlm_local.errors import StoreError
from rlm_local.log import Outcome, RunStore
from rlm_local.models import Cancel, resolve
from rlm_policy import Action, Labelled, Policy
from rlm_sandbox import Image
from rlm_training.collect import UNFORCED, Collector
from rlm_training.datasets import build
from rlm_training.errors import DataError
from rlm_training.evaluate import ORACLE, ask_held_out, compare, to_svg
from rlm_training.steer import sampled, steerable, towards
from rlm_training.tasks import Make, TrainingTask, read_tasks, split_of, template
from rlm_training.trajectories import states
from tests.engine.script import planner

SHA = "ab" * 32
LOANS = "loan,branch,state\n" + "".join(f"L-{n},{'Harbour' if n % 3 else 'Hill'},returned\n" for n in range(1, 13))
CORPUS = Corpus.from_documents({"loans.csv": LOANS})


def task(number: int, split: str) -> tuple[str, Make]:
    question = "How many loans at the Hill branch are there?" if number % 2 else "Which branch has the most loans?"
    answer = 4 if number % 2 else "Harbour"
    scorer = "number" if number % 2 else "text"
    made = Task(f"task {number}", "count 2k", question, (), scorer, answer, against=("Hill",))
    whole = TrainingTask(made, CORPUS, f"group {number}", split)  # pyright: ignore[reportArgumentType]
    return made.id, lambda: whole


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs.sqlite")


@pytest.fixture
def collector(image: Image, store: RunStore) -> Iterator[Collector]:
    """Its model plans a listing of its own, but fills in the rest of a plan well."""
    model = steerable(planner("list", "loans", "branch = Hill", "branch", "most items"))
    with Engine.of(replace(resolve("smollm2-135m"), sha256=SHA), model, image, store) as engine:
        yield Collector(engine, model, store, SHA, parallel=2)


def kept(store: RunStore) -> dict[tuple[str, str], float]:
    return {(o.branch, o.forced): o.score for o in store.outcomes(SHA, PROMPT_VERSION)}


def test_every_op_is_tried_from_the_same_state(collector: Collector, store: RunStore) -> None:
    done = list(collector.collect([task(1, "train"), task(2, "train")], branches=True, cancel=Cancel()))
    assert {each.task.id for each in done} == {"task 1", "task 2"}
    found = kept(store)
    assert found["task 1", "SEARCH count"] == 1.0
    assert found["task 2", "SEARCH list"] == 0.0
    assert found["task 2", "SEARCH top"] == 1.0
    assert ("task 1", "SEARCH list") not in found  # it was solved
    assert not any(name in ("ANSWER whole", "SEARCH read") for _, name in found)
    runs = [store.get(o.run_id) for o in store.outcomes(SHA, PROMPT_VERSION)]
    assert {len(run.nodes[0].turns) for run in runs} == {1}  # what comes after a first plan is another decision


def test_a_calibration_sees_what_the_model_would_have_decided(collector: Collector, store: RunStore) -> None:
    list(collector.collect([task(1, "train")], branches=True, cancel=Cancel()))
    outcomes = store.outcomes(SHA, PROMPT_VERSION)
    assert outcomes[0].forced == UNFORCED
    own = store.get(outcomes[0].run_id).nodes[0].turns[0].start.decision["logprobs"]
    [decision] = labelled(store, outcomes)
    assert decision == Labelled({Action(action): logprob for action, logprob in own.items()}, Action.SEARCH)
    assert len(own) > 1


def test_code_alone_comes_first_and_what_reads_by_what_it_costs(collector: Collector) -> None:
    names = [branch.name for branch in collector.branches_of(task(1, "train")[1]())]
    assert names[:3] == ["SEARCH count", "SEARCH list", "SEARCH top"]
    assert names[-4:] == ["ANSWER whole", "MAP", "RECURSE each", "SEARCH read"]  # less text than a reading takes


def test_a_map_is_priced_by_the_items_that_the_question_names(collector: Collector) -> None:
    """Asking about ten notes is cheaper than a reading, however many loans there are beside them."""
    notes = "note,text\n" + "".join(f"N-{n},It was late again.\n" for n in range(10))
    many = Corpus.from_documents({"loans.csv": LOANS * 20, "notes.csv": notes})
    made = Task("notes", "count 2k", "How many notes are angry?", (), "near", 0)
    names = [branch.name for branch in collector.branches_of(TrainingTask(made, many, "group", "train"))]
    assert names.index("MAP") < names.index("SEARCH read") < names.index("ANSWER whole")


def test_a_collection_goes_on_where_it_was(collector: Collector, store: RunStore) -> None:
    cancel = Cancel()
    for _ in collector.collect([task(1, "train"), task(2, "train"), task(3, "train")], branches=True, cancel=cancel):
        cancel.cancel()
    first = kept(store)
    rest = [task(1, "train"), task(2, "train"), task(3, "train")]
    fresh = [o for each in collector.collect(rest, branches=True, cancel=Cancel()) for o in each.outcomes]
    assert not {(o.branch, o.forced) for o in fresh} & set(first)
    assert {branch for branch, _ in kept(store)} == {"task 1", "task 2", "task 3"}


def test_the_cheapest_plan_that_solved_becomes_the_sample(collector: Collector, store: RunStore) -> None:
    list(collector.collect([task(1, "train"), task(2, "train")], branches=True, cancel=Cancel()))
    dataset = build(states(store, SHA, PROMPT_VERSION), "sft", max_length=100_000)
    assert {sample.task: sample.decision for sample in dataset.samples} == {"task 1": "count", "task 2": "top"}
    assert "op: count" in next(sample.text for sample in dataset.samples if sample.decision == "count")


def test_a_budget_too_small_for_any_plan_is_named(collector: Collector, store: RunStore) -> None:
    list(replace(collector, max_tokens=20).collect([task(1, "train")], branches=True, cancel=Cancel()))
    with pytest.raises(DataError, match="1 the budget was too small for a plan"):
        build(states(store, SHA, PROMPT_VERSION), "sft", max_length=100_000)


def test_before_and_after_are_compared_on_held_out_tasks(collector: Collector, store: RunStore) -> None:
    tasks = [task(1, "held-out"), task(3, "held-out"), task(4, "train")]
    list(collector.collect(tasks, branches=True, cancel=Cancel()))

    def ask(asked: TrainingTask, policy: str | Policy) -> Answer:
        with towards("count" if policy == "rules" else "list"):  # as if "rules" were the trained one
            return collector.engine.ask(asked.task.question, asked.corpus, policy="prompted", task_id=asked.id)

    results = list(ask_held_out(tasks, ("prompted", "rules", "prompted"), ask, ()))
    assert [(r.id, r.policy, r.score) for r in results] == [
        ("task 1", "prompted", 0.0),
        ("task 3", "prompted", 0.0),
        ("task 1", "rules", 1.0),
        ("task 3", "rules", 1.0),
    ]
    assert list(ask_held_out(tasks, ("prompted", "rules"), ask, results)) == []
    found = compare(results, "rules", states(store, SHA, PROMPT_VERSION), store)
    assert (found.report.tasks, found.report.score.mean, found.report.valid) == (2, 1.0, 1.0)
    assert [row["policy"] for row in found.detail["policies"]] == ["prompted", "rules", ORACLE]
    assert found.detail["decisions"]["prompted"]["accuracy"] == 0.0
    assert found.detail["decisions"]["rules"]["accuracy"] == 1.0
    assert to_svg(found.detail).startswith("<svg")


def test_a_wording_is_a_question_without_its_values() -> None:
    wordings = {
        template(f"How many loans at the {branch} branch in 20{n}?", CORPUS)
        for n in (21, 22)
        for branch in ("Hill", "Harbour")
    }
    assert len(wordings) == 1
    assert template("Which branch has the most loans?", CORPUS) not in wordings


def test_a_task_that_names_its_group_is_in_it(tmp_path: Path) -> None:
    line = {"kind": "count", "question": "How many are sad?", "paths": ["notes.csv"], "scorer": "number", "answer": 1}
    lines = [json.dumps({**line, "id": "one", "group": "how many are ..."}), json.dumps({**line, "id": "other"})]
    (tmp_path / "notes.csv").write_text("note\nsad\n", "utf-8")
    (tmp_path / "questions.jsonl").write_text("\n".join(lines), "utf-8")
    tasks = [make() for _, make in read_tasks([tmp_path / "questions.jsonl"], 0.25)]
    assert [task.group for task in tasks] == ["how many are ...", "How many are …?"]


def test_the_split_of_a_group_stays_and_has_its_share() -> None:
    groups = [f"wording {n}" for n in range(400)]
    held = [group for group in groups if split_of(group, 0.25) == "held-out"]
    assert 70 < len(held) < 130
    assert all(split_of(group, 0.5) == "held-out" for group in held)


def test_a_sampled_plan_is_traced_token_by_token(collector: Collector, store: RunStore) -> None:
    decided: set[str] = set()
    for seed in range(12):
        with sampled(seed) as sampling:
            question = "How many loans at the Hill branch are there?"
            answer = collector.engine.ask(question, CORPUS, policy="prompted", price=0.0)
        start = store.get(answer.run_id).nodes[0].turns[0].start
        assert start.plan
        decided.add(start.plan["op"])
        chosen = {place for begin, end in sampling.traces[0] for place in range(begin, end)}
        assert 0 in chosen  # the op
        assert chosen <= set(range(len(start.completion_ids)))
        if start.plan["op"] == "count":
            assert len(chosen) < len(start.completion_ids)  # "items:" and the like are written by the program
    assert len(decided) > 1  # the script wants one op, chance does not


def test_an_outcome_is_kept_once(collector: Collector, store: RunStore) -> None:
    [collected] = collector.collect([task(1, "train")], branches=False, cancel=Cancel())
    [outcome] = collected.outcomes
    with pytest.raises(StoreError):
        store.score(Outcome(outcome.run_id, "train", "group", "task 1", "SEARCH count", "4", 1.0))
