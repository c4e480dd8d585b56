"""Collecting and evaluating with a scripted model, in the real sandbox."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.bench.scoring import Task
from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.answer import Answer
from rlm_local.engine.authors.prompt import PROMPT_VERSION, opening
from rlm_local.engine.calibrated import labelled
from rlm_local.engine.engine import Engine
from rlm_local.engine.leaves import CHECKED, WANTED
from rlm_local.errors import StoreError
from rlm_local.home import Home
from rlm_local.log import Outcome, RunStore
from rlm_local.models import Cancel, Message, Prompt, resolve
from rlm_policy import Action, Labelled, Policy
from rlm_sandbox import Image
from rlm_training.collect import Collector
from rlm_training.datasets import build
from rlm_training.errors import DataError
from rlm_training.evaluate import ORACLE, ask_held_out, compare, to_svg
from rlm_training.steer import Drawn, Wanted, steerable, steered
from rlm_training.tasks import Make, TrainingTask, read_tasks, split_of, template
from rlm_training.trajectories import states
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel

SHA = "ab" * 32
LOANS = "loan,branch,state\n" + "".join(f"L-{n},{'Harbour' if n % 3 else 'Hill'},returned\n" for n in range(1, 13))
RULE = "Loans are returned on Fridays by whoever borrowed them.\n" * 20
COUNT = "How many loans at the Hill branch are there?"
DAY = "On which day are loans returned?"


def programs(look: str = "each row") -> ScriptedModel:
    """A model that counts well in SQL, judges badly, and reads when loans are returned; it would look there."""

    def write(prompt: Prompt) -> str:
        if "judge" in str(prompt.messages[0]) and prompt.prefill == opening("each row", "sql"):
            return "SELECT COUNT(*) FROM loans WHERE judge(branch, 'Is it the Hill?')"
        wanted = "Hill" if COUNT in prompt.messages[-1].content else "Nowhere"
        return f"SELECT COUNT(*) FROM loans WHERE branch = '{wanted}'" if "sql" in prompt.prefill else "FINAL(nothing)"

    reading = writer(reads="Fridays")

    def slot(prompt: Prompt, text: str, options: Sequence[str]) -> str:
        return f" {look}\n" if f" {look}\n" in options else reading.slot(prompt, text, options)

    def choose(_prompt: Prompt, options: Sequence[str]) -> str:
        return options[0] if tuple(options) in (WANTED, CHECKED) else options[-1]

    return ScriptedModel(write, slot=slot, write=reading.write, choose=choose)


def task(number: int, split: str) -> tuple[str, Make]:
    """Odd ones are solved in the table, even ones in the text."""
    question, answer = (COUNT, 4) if number % 2 else (DAY, "Fridays")
    made = Task(f"task {number}", "count 2k", question, (), "number" if number % 2 else "text", answer)

    @contextmanager
    def make() -> Generator[TrainingTask]:
        with Collection.of({"loans.csv": LOANS, "rules.txt": RULE}) as collection:
            yield TrainingTask(made, View(collection), f"group {number}", split)  # pyright: ignore[reportArgumentType]

    return made.id, make


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs.sqlite")


@pytest.fixture
def collector(image: Image, store: RunStore) -> Iterator[Collector]:
    model = steerable(programs())
    with Engine.of(replace(resolve("smollm2-135m"), sha256=SHA), model, image, store) as engine:
        yield Collector(engine, model, store, SHA, parallel=2)


def as_message(data: Mapping[str, str]) -> Message:
    return Message(**data)  # pyright: ignore[reportArgumentType]


def kept(store: RunStore) -> dict[tuple[str, str], float]:
    return {(o.branch, o.forced): o.score for o in store.outcomes(SHA, PROMPT_VERSION)}


def test_every_look_is_tried_from_the_same_state_until_one_solves(collector: Collector, store: RunStore) -> None:
    done = list(collector.collect([task(1, "train"), task(2, "train")], branches=True, cancel=Cancel()))
    assert {(each.task, each.split) for each in done} == {("task 1", "train"), ("task 2", "train")}
    found = kept(store)
    assert found == {
        ("task 1", "SEARCH tables"): 1.0,
        ("task 2", "SEARCH tables"): 0.0,
        ("task 2", "MAP each row"): 0.0,
        ("task 2", "RECURSE each document"): 0.0,
        ("task 2", "RECURSE notes"): 0.0,
        ("task 2", "SEARCH text"): 1.0,
    }
    runs = [store.get(o.run_id) for o in store.outcomes(SHA, PROMPT_VERSION)]
    turns = [turn for run in runs for turn in run.nodes[0].turns]
    assert len(turns) <= len(runs)  # what comes after a look that came to nothing is another decision
    assert {"SEARCH", "MAP", "RECURSE"} == set(turns[0].start.decision["costs"]) - {"ANSWER"}


def test_a_calibration_sees_what_the_model_would_have_decided(collector: Collector, store: RunStore) -> None:
    list(collector.collect([task(1, "train")], branches=True, cancel=Cancel()))
    outcomes = store.outcomes(SHA, PROMPT_VERSION)
    own = store.get(outcomes[0].run_id).nodes[0].turns[0].start.decision["logprobs"]
    assert max(own, key=own.__getitem__) == Action.MAP
    [decision] = labelled(store, outcomes)
    assert decision == Labelled({Action(action): logprob for action, logprob in own.items()}, Action.SEARCH)


def test_code_comes_first_and_what_reads_by_what_it_costs(collector: Collector) -> None:
    with task(1, "train")[1]() as made:
        names = [branch.name for branch in collector.branches_of(made)]
    assert names == ["SEARCH tables", "MAP each row", "RECURSE each document", "RECURSE notes", "SEARCH text"]


def test_a_reply_that_asks_of_each_row_is_forced(collector: Collector, store: RunStore) -> None:
    name, make = task(1, "train")
    with make() as made, steered(Wanted("each row")):
        answer = collector.engine.ask(COUNT, made.view, author="programs", policy="forced:MAP", task_id=name)
    turn = store.get(answer.run_id).nodes[0].turns[0]
    assert turn.start.decision["action"] == "MAP"
    assert turn.start.text.startswith(opening("each row", "sql"))
    assert sum(len(batch.calls) for batch in turn.batches) == 2  # two branches to judge


def test_a_collection_goes_on_where_it_was(collector: Collector, store: RunStore) -> None:
    cancel = Cancel()
    for _ in collector.collect([task(1, "train"), task(2, "train"), task(3, "train")], branches=True, cancel=cancel):
        cancel.cancel()
    first = kept(store)
    rest = [task(1, "train"), task(2, "train"), task(3, "train")]
    fresh = [o for each in collector.collect(rest, branches=True, cancel=Cancel()) for o in each.outcomes]
    assert not {(o.branch, o.forced) for o in fresh} & set(first)
    assert {branch for branch, _ in kept(store)} == {"task 1", "task 2", "task 3"}


def test_the_cheapest_that_solved_becomes_the_sample_token_by_token(collector: Collector, store: RunStore) -> None:
    list(collector.collect([task(1, "train"), task(2, "train")], branches=True, cancel=Cancel()))
    dataset = build(states(store, SHA, PROMPT_VERSION), "sft", max_length=100_000)
    samples = {sample.task: sample for sample in dataset.samples}
    assert {name: sample.decision for name, sample in samples.items()} == {"task 1": "tables", "task 2": "text"}
    assert "SELECT COUNT(*) FROM loans WHERE branch = 'Hill'" in samples["task 1"].text
    for sample, begun in ((samples["task 1"], opening("tables", "sql")), (samples["task 2"], opening("text"))):
        [run] = sample.runs
        start = store.get(run).nodes[0].turns[0].start
        whole = Prompt(tuple(map(as_message, start.messages)), prefill=begun)
        ids = collector.model.encode(whole)
        assert (*sample.prompt_ids, *sample.completion_ids)[: len(ids)] == ids
        assert "CREATE TABLE loans" in start.messages[-3]["content"]


def test_a_budget_too_small_for_any_plan_is_named(collector: Collector, store: RunStore) -> None:
    list(replace(collector, max_tokens=20).collect([task(1, "train")], branches=True, cancel=Cancel()))
    with pytest.raises(DataError, match="1 the budget was too small for it"):
        build(states(store, SHA, PROMPT_VERSION), "sft", max_length=100_000)


def test_before_and_after_are_compared_on_held_out_tasks(collector: Collector, store: RunStore) -> None:
    tasks = [task(1, "held-out"), task(3, "held-out"), task(4, "train")]
    list(collector.collect(tasks, branches=True, cancel=Cancel()))

    def ask(asked: TrainingTask, policy: str | Policy) -> Answer:
        with steered(Wanted("tables" if policy == "rules" else "text")):  # as if "rules" were the trained one
            return collector.engine.ask(COUNT, asked.view, author="programs", policy="forced:SEARCH", task_id=asked.id)

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
    with Collection.of({"loans.csv": LOANS}) as collection:
        view = View(collection)
        wordings = {
            template(f"How many loans at the {branch} branch in 20{n}?", view)
            for n in (21, 22)
            for branch in ("Hill", "Harbour")
        }
        assert wordings == {"How many loans at the … branch in #?"}
        assert template("Which branch has the most loans?", view) not in wordings


def test_a_task_that_names_its_group_is_in_it(tmp_path: Path) -> None:
    line = {"kind": "count", "question": "How many are happy?", "paths": ["notes.csv"], "scorer": "number", "answer": 1}
    lines = [json.dumps({**line, "id": "one", "group": "how many are ..."}), json.dumps({**line, "id": "other"})]
    (tmp_path / "notes.csv").write_text("note\nhappy\nangry\nhappy\n", "utf-8")
    (tmp_path / "questions.jsonl").write_text("\n".join(lines), "utf-8")
    groups: list[str] = []
    for _, make in read_tasks([tmp_path / "questions.jsonl"], 0.25, Home(tmp_path / "home")):
        with make() as made:
            groups.append(made.group)
    assert groups == ["how many are ...", "How many are …?"]


def test_the_split_of_a_group_stays_and_has_its_share() -> None:
    groups = [f"wording {n}" for n in range(400)]
    held = [group for group in groups if split_of(group, 0.25) == "held-out"]
    assert 70 < len(held) < 130
    assert all(split_of(group, 0.5) == "held-out" for group in held)


def test_where_to_look_is_drawn_as_likely_as_the_model_finds_it(collector: Collector) -> None:
    model, prompt = collector.model, Prompt(())
    options = [" tables\n", " text\n", " each row\n"]
    drawn: list[str] = []
    for seed in range(60):
        draw = Drawn(seed)
        with steered(draw), model.cursor(prompt) as cursor:
            choice = cursor.choose(options)
            assert cursor.text == choice.option == draw.option
            cursor.choose(options)  # only the first choice is drawn
            assert cursor.text.endswith(" each row\n")
        drawn.append(draw.look)
    assert len(set(drawn)) > 1
    assert drawn.count("each row") > 40  # of 54 to be expected


def test_an_outcome_is_kept_once(collector: Collector, store: RunStore) -> None:
    [collected] = collector.collect([task(1, "train")], branches=False, cancel=Cancel())
    [outcome] = collected.outcomes
    with pytest.raises(StoreError):
        store.score(Outcome(outcome.run_id, "train", "group", "task 1", "SEARCH tables", "4", 1.0))
