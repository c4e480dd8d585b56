"""What the planner is told of a corpus: the tests that a question suggests, and what of it a plan leaves out."""

from functools import partial
from random import Random

import pytest

from rlm_local.bench.tasks import code, records
from rlm_local.corpus import Corpus
from rlm_local.engine.guided import Schema
from rlm_local.engine.guided.plan import Op, Plan
from rlm_sandbox.guest.rlm.records import ItemSet, Text, select


@pytest.mark.parametrize(
    ("question", "mentioned"),
    [
        ("How many were on Monday, Tuesday or Friday?", "visits: day any Monday|Tuesday|Friday"),
        ("How many were on Monday and Friday?", "visits: day any Monday|Friday"),
        ("How many of Ada's Monday visits were moved to Friday?", "visits: day = Monday, day = Friday"),
    ],
)
def test_values_of_one_field_side_by_side_are_alternatives(question: str, mentioned: str) -> None:
    rows = "".join(f"{name},{day}\n" for day in ("Monday", "Tuesday", "Friday") * 4 for name in ("Ben", "Cleo"))
    schema = Schema(Corpus.from_documents({"visits.csv": f"who,day\n{rows}"}), question)
    assert schema.mentioned() == mentioned


LOG = (
    "2025-03-01 ERROR kestrel-4 backup: stopped, no space left on device\n"
    "2025-03-01 INFO kestrel-4 nightly: finished, 7 items\n"
    "2025-03-02 ERROR kestrel-2 index: stopped, host unreachable\n"
) + "2025-03-03 INFO kestrel-2 index: finished, 4120 items in 656 s\n" * 9


@pytest.mark.parametrize(
    ("question", "tests"),
    [
        ("On which hosts did a nightly job stop because there was no space left?", {"stop", "spac", "left"}),
        ("Which job stopped without having space left?", {"stop", "lacks"}),
    ],
)
def test_of_a_logs_words_those_that_stand_together_are_offered(question: str, tests: set[str]) -> None:
    schema = Schema(Corpus.from_documents({"jobs.log": LOG}), question)
    said = {word for condition in schema.conditions["jobs"] for word in condition.label.split()[1:]}
    assert tests <= said
    assert "night" not in said


def test_a_lone_word_of_a_log_is_a_guess_and_what_stands_together_is_not() -> None:
    corpus = Corpus.from_documents({"jobs.log": LOG})
    for question, sure in (("Which hosts were unreachable?", False), ("Where was no space left?", True)):
        said = [c for c in Schema(corpus, question).conditions["jobs"] if c.field == "text"]
        assert said
        assert all(condition.sure is sure for condition in said)


def test_what_a_question_says_again_in_other_words_is_not_left_out() -> None:
    made = code.make(9_000, Random(1))
    schema = Schema(Corpus.from_documents(made.documents), made.question)
    assert "that is" in made.question
    plan = Plan(Op.LIST, "functions", schema.conditions["functions"], show="name")
    assert schema.unexplained(plan) == set()
    assert "mutates_global_state = true" in [condition.label for condition in plan.where]


def test_all_that_a_question_says_makes_the_plan_of_a_count() -> None:
    """Over made records: the set that leaves out least, with every sure test, holds the items that are counted."""
    for seed in range(8):
        made = records.make(12_000, Random(seed), records.count)
        corpus = Corpus.from_documents(made.documents)
        schema = Schema(corpus, made.question)
        plan = schema.all_said(Op.COUNT, min(schema.sets, key=partial(schema.left_out, Op.COUNT)))
        [items] = [items for items in corpus.item_sets if items.name == plan.items]
        source = Text(corpus.context, [(d.name, d.kind, d.start, d.end) for d in corpus.documents])
        columns = {field.name: list(field.values) for field in items.fields}
        found = select(
            ItemSet(source, items.starts, items.ends, columns).items,
            [(condition.field, condition.operator, condition.value) for condition in plan.where],
        )
        assert len(found) == made.answer, made.question


def test_the_set_that_a_question_names_leaves_out_least() -> None:
    """Also where another one has a field for what is asked about them: a hire has a tool, a message speaks of one."""
    for seed in range(8):
        made = records.make(12_000, Random(seed), records.semantic)
        schema = Schema(Corpus.from_documents(made.documents), made.question)
        left_out = {name: schema.left_out(Op.COUNT, name) for name in schema.sets}
        messages = left_out.pop("messages")
        assert messages < min(left_out.values()), made.question


HIRES = "hire_id,tool,customer_id,status\n" + "".join(f"H-{n:04},chain saw,C-{n % 3},returned\n" for n in range(9))
CUSTOMERS = "customer_id,name,town\nC-0,Ada Berg,Kolding\nC-1,Ben Cole,Lindau\nC-2,Cleo Dorn,Tilburg\n"


@pytest.mark.parametrize(
    ("question", "items", "show", "another"),
    [
        ("What is the status of hire H-0004?", "hires", "status", False),
        ("Name the status of hire H-0004.", "hires", "status", False),
        ("Which customer has hire H-0004?", "hires", "customer_id", False),
        ("What is the name of the customer of hire H-0004?", "hires", "customer_id", True),
        ("What is the town of the customer of hire H-0004?", "hires", "customer_id", True),
        ("Who repaired the chain saw of hire H-0004?", "hires", "customer_id", True),
        ("In which town is the customer Ada Berg?", "customers", "town", False),
        ("What is the phone number of the customer Ada Berg?", "customers", "town", True),
    ],
)
def test_a_lookup_shows_the_field_that_is_asked_for_or_another(
    question: str, items: str, show: str, another: bool
) -> None:
    schema = Schema(Corpus.from_documents({"hires.csv": HIRES, "customers.csv": CUSTOMERS}), question)
    plan = Plan(Op.LOOKUP, items, where=schema.conditions[items], show=show)
    assert plan.where
    assert schema.shows_another_field(plan) is another
