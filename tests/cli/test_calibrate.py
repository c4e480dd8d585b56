"""`policy calibrate`, over a log in which several actions were tried from the same states."""

import json
from dataclasses import replace
from pathlib import Path

from rlm_local.engine.answer import Usage
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.calibrated import biases_of, keep
from rlm_local.home import Home
from rlm_local.log import NodeStart, Outcome, RunStore
from rlm_local.models import DEFAULT_MODEL, resolve
from rlm_policy import Action
from tests.cli.fakes import FakeEngine, not_asked, run_program
from tests.log.sample import answer, run_start, turn_start

SHA = resolve(DEFAULT_MODEL).sha256


def tried(store: RunStore, branch: str, split: str, action: str, score: float, tokens: int) -> None:
    log = store.begin(replace(run_start(), model_sha256=SHA, prompt_version=PROMPT_VERSION))
    own = {"SEARCH": -0.4, "MAP": -1.2, "RECURSE": -3.0}
    decision = {"action": action.split(" ")[0], "logprobs": own if action == "as it is" else {action: 0.0}}
    log.begin_turn(log.node(NodeStart("?")), replace(turn_start(), decision=decision))
    log.end(replace(answer(log.run_id), usage=Usage(prompt_tokens=tokens)))
    store.score(Outcome(log.run_id, split, branch, branch, action, "12", score))  # pyright: ignore[reportArgumentType]


def test_biases_are_fitted_on_the_training_split_kept_and_measured_on_the_held_out_one(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        for number in range(12):
            split = "held-out" if number % 3 == 0 else "train"
            tried(store, f"task {number}", split, "as it is", 0.0, 500)
            tried(store, f"task {number}", split, "RECURSE", 1.0, 9000)
            tried(store, f"task {number}", split, "MAP", 1.0, 4000)
    result = run_program(("policy", "calibrate", "--json"), FakeEngine(not_asked), home)
    found = json.loads(result.stdout)
    assert (found["fitted_on"], found["before"]["n"]) == (8, 4)
    assert found["biases"]["MAP"] > 0 > found["biases"]["SEARCH"]
    assert (found["before"]["accuracy"], found["after"]["accuracy"]) == (0.0, 1.0)
    assert found["after"]["log_loss"] < found["before"]["log_loss"]
    kept = biases_of(Home(home).calibration, SHA, PROMPT_VERSION)
    assert kept[Action.MAP] > 0
    assert biases_of(Home(home).calibration, SHA, "another") == {}


def test_biases_that_make_held_out_decisions_less_likely_are_not_kept(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        for number in range(6):
            split, right = ("held-out", "SEARCH") if number % 3 == 0 else ("train", "MAP")
            tried(store, f"task {number}", split, "as it is", 0.0, 500)
            tried(store, f"task {number}", split, right, 1.0, 4000)
    result = run_program(("policy", "calibrate"), FakeEngine(not_asked), home)
    assert result.exit_code == 0
    assert "Not kept" in result.stdout
    assert not Home(home).calibration.exists()
    keep(Home(home).calibration, SHA, PROMPT_VERSION, {Action.MAP: 2.0})  # fitted on less, once
    keep(Home(home).calibration, SHA, "another", {Action.MAP: 1.0})
    assert run_program(("policy", "calibrate", "--dry-run"), FakeEngine(not_asked), home).exit_code == 0
    assert biases_of(Home(home).calibration, SHA, PROMPT_VERSION) == {Action.MAP: 2.0}
    assert run_program(("policy", "calibrate"), FakeEngine(not_asked), home).exit_code == 0
    assert biases_of(Home(home).calibration, SHA, PROMPT_VERSION) == {}
    assert biases_of(Home(home).calibration, SHA, "another") == {Action.MAP: 1.0}


def test_without_labels_it_says_where_they_come_from(home: Path) -> None:
    with RunStore(Home(home).runs) as store:
        tried(store, "task", "train", "SEARCH", 1.0, 500)
    result = run_program(("policy", "calibrate"), FakeEngine(not_asked), home)
    assert result.exit_code == 2
    assert "0 labelled decisions" in result.stderr
    assert "rlm-local collect" in result.stderr
    assert not Home(home).calibration.exists()
