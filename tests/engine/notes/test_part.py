"""What is read through is cut into parts that leave nothing out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.notes.part import CHARACTERS, Part, parts_of, spread

REPORT = "".join(
    f"# {number} Chapter\n\n" + f"In chapter {number} the berths are counted, one by one, and told apart.\n\n" * 60
    for number in range(1, 7)
)
LETTERS = {f"letters/{number:02}.txt": f"Letter {number}: the ferry was late.\n" for number in range(40)}


@given(st.integers(0, 300))
def test_a_spread_order_has_each_number_once(number: int) -> None:
    assert sorted(spread(number)) == list(range(number))


@given(st.integers(8, 300), st.data())
def test_each_beginning_of_it_leaves_no_large_gap(number: int, data: st.DataObject) -> None:
    some = data.draw(st.integers(4, number))
    taken = sorted(spread(number)[:some])
    gaps = [after - before for before, after in zip([-1, *taken], [*taken, number], strict=True)]
    assert max(gaps) <= 4 * number / some + 2


def cut(documents: dict[str, str]) -> list[Part]:
    with Collection.of(documents) as collection:
        view = View(collection)
        parts, number = parts_of(view, [(document.start, document.end) for document in view.documents])
        assert number == len(parts)
        covered = "".join(view.text(*piece) for part in parts for piece in part.pieces)
        assert covered == "".join(view.text(document.start, document.end) for document in view.documents)
        return parts


def test_a_report_is_cut_at_its_chapters() -> None:
    parts = cut({"report.md": REPORT})
    assert [part.label for part in parts] == [f"report.md, {number} Chapter" for number in range(1, 7)]
    assert all(sum(end - start for start, end in part.pieces) <= CHARACTERS for part in parts)


def test_short_documents_are_read_together() -> None:
    assert [part.label for part in cut(LETTERS)] == ["letters/00.txt and 23 more", "letters/24.txt and 15 more"]


@pytest.mark.parametrize("text", ["x" * 30_000, "word " * 5_000, "\n" * 9_000 + "end"])
def test_no_part_is_too_long_whatever_the_text(text: str) -> None:
    assert all(sum(end - start for start, end in part.pieces) <= CHARACTERS for part in cut({"odd.txt": text}))


def test_of_very_many_documents_some_are_cut_and_all_are_counted() -> None:
    with Collection.of({f"{number}.txt": f"Note {number} of the harbour." for number in range(2_500)}) as collection:
        view = View(collection)
        parts, number = parts_of(view, [(document.start, document.end) for document in view.documents])
    assert sum(len(part.pieces) for part in parts) == 2_000
    assert number == round(len(parts) * 2_500 / 2_000)
