"""RECURSE and ANSWER as plans: decided in the plan's own slots, compiled to readable cells, run as whole trees."""

import math
from collections.abc import Sequence

import pytest

from rlm_local.corpus import Corpus
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.replay import replay
from rlm_local.models import Prompt
from rlm_policy import Action
from tests.engine.conftest import Asker
from tests.engine.script import planner
from tests.models.fakes import ScriptedModel

FILLER = "The book of ward {n} says little about this, and what it says is soon told. "
WARDS = {f"ward-{n}.txt": f"About ward {n}. {FILLER.format(n=n) * 100}\n\n" for n in range(3)}
WARDS["ward-1.txt"] += "The key hangs behind the clock.\n"
QUESTION = "Where does the key hang?"


def corpus() -> Corpus:
    return Corpus.from_documents(WARDS)


def reader(*wishes: str) -> ScriptedModel:
    """Plans as wished; reads the key's place where it is said."""
    model = planner(*wishes, reads="behind the clock")
    slot = model.slot

    def stated(prompt: Prompt, text: str, options: Sequence[str]) -> str:
        if [option.strip() for option in options] == ["yes", "no"]:
            return options["The key hangs" not in prompt.messages[-1].content]
        return slot(prompt, text, options)

    model.slot = stated
    return model


@pytest.mark.parametrize("policy", ["recurse", "forced:RECURSE", "prompted"])
def test_children_read_their_parts_and_the_surest_that_found_it_counts(asker: Asker, policy: str) -> None:
    answer, record = asker.ask(reader("each", "all"), QUESTION, corpus(), policy=policy)
    assert (answer.answer, answer.found, answer.ended) == ("behind the clock", True, Ended.ANSWERED)
    assert [place.document for place in answer.evidence] == ["ward-1.txt"]
    root, *children = record.nodes
    [turn] = root.turns
    assert turn.start.decision["action"] == "RECURSE"
    assert turn.start.decision["costs"]["RECURSE"]["calls"] > 1
    assert turn.start.plan == {"op": "each", "ask": QUESTION, "combine": "best"}
    assert [child.turns[0].start.decision["action"] for child in children] == ["ANSWER"] * len(children)
    assert [bool(child.result and child.result["found"]) for child in children].count(True) == 1
    assert replay(record, corpus(), ScriptedModel().count, asker.image).divergence is None


def test_rules_never_recurse_though_the_model_would(asker: Asker) -> None:
    _, record = asker.ask(reader("each", "all"), QUESTION, corpus(), policy="rules")
    assert len(record.nodes) == 1
    decisions = [turn.start.decision for turn in record.nodes[0].turns]
    assert {decision["action"] for decision in decisions} == {"SEARCH"}


def test_children_of_more_than_is_left_are_refused_and_the_policy_decides_again(asker: Asker) -> None:
    model = reader("each", "all", "read")
    answer, record = asker.ask(model, QUESTION, corpus(), policy="recurse", limits=Limits(nodes=2))
    assert [turn.start.decision["action"] for turn in record.nodes[0].turns] == ["RECURSE", "SEARCH"]
    assert answer.answer == "behind the clock"
    assert "nodes" in answer.unseen[0]
    assert replay(record, corpus(), ScriptedModel().count, asker.image).divergence is None


def test_groups_of_a_field_with_a_question_of_their_own(asker: Asker) -> None:
    rows = "".join(f"P{n},{'Surgery' if n % 3 else 'Imaging'},{n}\n" for n in range(30))
    visits = Corpus.from_documents({"visits.csv": f"patient,department,cost\n{rows}"})
    model = planner("each", "visits", "department", "count", judged="")
    write = model.write
    model.write = lambda prompt, text: "How many visits?" if text.endswith('ask: "') else write(prompt, text)
    question = "How many visits does each department have, for every department?"
    answer, record = asker.ask(model, question, visits, policy="recurse")
    assert answer.value == ["Imaging: 10", "Surgery: 20"]
    assert [node.question for node in record.nodes] == [question, "How many visits?", "How many visits?"]
    cell = record.nodes[0].turns[0].start.cell
    assert "parts(rows('visits'), 'department')" in cell
    assert replay(record, visits, ScriptedModel().count, asker.image).divergence is None


def test_all_of_a_view_that_fits_in_the_window_can_be_read_where_the_policy_wants_it(asker: Asker) -> None:
    for policy in ("forced:ANSWER", "prompted"):
        answer, record = asker.ask(reader("whole"), QUESTION, corpus(), policy=policy)
        assert answer.answer == "behind the clock"
        [turn] = record.nodes[0].turns
        assert turn.start.decision["action"] == "ANSWER"
        [batch] = turn.batches
        assert "The book of ward 2" in batch.calls[0].messages[-1]["content"]


def test_the_log_has_every_open_action_with_its_probability_before_and_after_the_bias(asker: Asker) -> None:
    _, record = asker.ask(reader("each", "all"), QUESTION, corpus(), policy="prompted")
    decision = record.nodes[0].turns[0].start.decision
    assert {*decision["logprobs"]} == {Action.ANSWER, Action.SEARCH, Action.RECURSE}
    for name in ("logprobs", "biased"):
        assert math.isclose(sum(math.exp(value) for value in decision[name].values()), 1.0, abs_tol=0.01)
    assert decision["bias"]["RECURSE"] < decision["bias"]["SEARCH"] < 0
    assert decision["propensity"] == 1.0
