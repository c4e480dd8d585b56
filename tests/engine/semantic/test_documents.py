"""A question to each document: children read what of theirs speaks of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.result import Result
from rlm_local.log import RunStore
from rlm_local.models import Prompt
from rlm_sandbox import Image
from tests.engine.records import view_of
from tests.engine.semantic.cells import Cells
from tests.models.fakes import ScriptedModel

FILLER = "The parties have met and have spoken of the berths, of the moorings and of the weather at length.\n\n" * 120
LAW = "Governing law. The law of {} governs agreement {}.\n\n"
LAWS = ("Norland", "Skerry", "Norland")
LEASES = {f"lease-{n}.txt": FILLER + LAW.format(law, n) + FILLER for n, law in enumerate(LAWS)}
QUERY = "SELECT document FROM documents WHERE answer(document, 'Which law governs the agreement?') LIKE '%Norland%'"


@pytest.fixture
def cells(image: Image, tmp_path: Path) -> Cells:
    return Cells(image, RunStore(tmp_path / "runs.sqlite"))


def reader(first: bool = True) -> ScriptedModel:
    """Finds the law in what it is shown; `first`: at the first look."""
    looked = set[str]()

    def shown(prompt: Prompt) -> str:
        return prompt.messages[-1].content

    def slot(prompt: Prompt, _text: str, options: Sequence[str]) -> str:
        if "answer:" in options:
            return "answer:"
        if options[0] != " yes\n":
            number = next(n for n, text in enumerate(shown(prompt).split("\n\n["), 1) if "The law of" in text)
            return f" {number}\n"
        document = shown(prompt).partition("lease-")[2][:1]
        there = "The law of" in shown(prompt) if first else document in looked
        looked.add(document)
        return options[0] if there else options[1]

    def write(prompt: Prompt, _text: str) -> str:
        return f" {shown(prompt).partition('The law of ')[2].partition(' ')[0]}"

    return ScriptedModel(slot=slot, write=write)


def test_a_long_document_is_searched_and_a_few_passages_are_read(cells: Cells) -> None:
    result, record = cells.run(f"FINAL(sql({QUERY!r}))", reader(), LEASES)
    assert result.value == ["lease-0.txt", "lease-2.txt"]
    assert [len(node.turns) for node in record.nodes[1:]] == [1, 1, 1]
    whole = sum(len(text) for text in LEASES.values())
    read = sum(
        len(call.messages[-1]["content"]) for n in record.nodes[1:] for b in n.turns[0].batches for call in b.calls
    )
    assert read < whole / 3


def cited(result: Result) -> list[str]:
    """What stands at the places of a result."""
    view = view_of(LEASES)
    return [view.text(*place).strip() for place in result.places]


@pytest.mark.parametrize(
    "cell",
    [
        f"FINAL(sql({QUERY!r}))",
        f"FINAL(len(sql({QUERY!r})), places({QUERY!r}))",
        f"FINAL(dict.fromkeys((row.document for row in sql({QUERY!r})), 'Norland'), documents[:1] + documents[2:])",
    ],
    ids=["named in the answer", "by places()", "given whole"],
)
def test_the_answer_rests_on_what_children_cited_of_its_documents(cells: Cells, cell: str) -> None:
    result, _ = cells.run(cell, reader(), LEASES)
    assert cited(result) == ["Governing law. The law of Norland governs agreement 0.", LAW.format("Norland", 2).strip()]


def test_an_answer_that_names_no_document_rests_on_all_that_children_cited(cells: Cells) -> None:
    result, _ = cells.run(f"FINAL(len(sql({QUERY!r})))", reader(), LEASES)
    assert cited(result) == [LAW.format(law, n).strip() for n, law in enumerate(LAWS)]


def test_an_answer_of_none_rests_on_nothing(cells: Cells) -> None:
    query = QUERY.replace("Norland", "Westmark")
    result, _ = cells.run(f"FINAL(sql({query!r}))", reader(), LEASES)
    assert (result.answer, result.places) == ("The documents do not say.", ())


def test_more_is_read_only_where_the_first_passages_do_not_say(cells: Cells) -> None:
    _, record = cells.run(f"FINAL(sql({QUERY!r}))", reader(first=False), LEASES)
    assert [len(node.turns) for node in record.nodes[1:]] == [2, 2, 2]


def test_a_document_that_does_not_say_is_null_after_both_looks(cells: Cells) -> None:
    query = QUERY.replace(" LIKE '%Norland%'", " IS NULL")
    result, record = cells.run(f"FINAL(sql({query!r}))", reader(), {**LEASES, "note.txt": FILLER})
    assert result.value == "note.txt"
    assert [len(node.turns) for node in record.nodes[1:]] == [1, 1, 1, 2]


def test_children_that_cannot_all_be_paid_are_asked_as_far_as_it_goes(cells: Cells) -> None:
    result, _ = cells.run(f"FINAL(sql({QUERY!r}))", reader(), LEASES, limits=Limits(tokens=5_000))
    assert (result.value, result.ended) == ("lease-0.txt", Ended.ANSWERED)
    assert result.unseen == ("2 of 3 texts that answer() was to look at",)
