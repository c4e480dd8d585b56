"""A collection, or some of its documents, as one virtual text."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection import Collection
from rlm_local.collection.info import Span
from rlm_local.collection.mentions import Mention
from rlm_local.collection.view import View

TEXTS = {
    "a.txt": "The first letter is about pumps.",
    "b.csv": "city,fee\nBonn,1\nKöln,2\nBonn,3\n",
    "c.txt": "The second letter, about valves. " * 90,
    "d.txt": "",
}


@pytest.fixture(scope="module")
def collection() -> Iterator[Collection]:
    with Collection.of(TEXTS) as collection:
        yield collection


@pytest.fixture(scope="module")
def view(collection: Collection) -> View:
    return View(collection)


def test_a_slice_of_the_context_is_what_a_string_would_give(view: View) -> None:
    whole = view.text(0, len(view.context))

    @given(st.integers(-9_999, 9_999) | st.none(), st.integers(-9_999, 9_999) | st.none())
    def check(start: int | None, end: int | None) -> None:
        assert view.context[start:end] == whole[start:end]

    check()
    assert whole == "".join(f"{text}\n" for name, text in TEXTS.items() if name != "d.txt")


def test_a_span_leads_back_to_its_text(view: View) -> None:
    for document in view.documents:
        span = view.span(document.start + 2, document.end + 50)
        assert span == Span(document.name, 2, document.end - document.start)
        assert view.text_of(span) == TEXTS[document.name][2:]
    with pytest.raises(KeyError):
        view.text_of(Span("nowhere", 0, 1))


def test_a_part_has_its_own_documents_only(collection: Collection, view: View) -> None:
    only = frozenset(document.id for document in collection.documents if document.name == "c.txt")
    part = View(collection, only)
    assert [document.name for document in part.documents] == ["c.txt"]
    assert part.characters == len(TEXTS["c.txt"])
    assert {passage.document for passage in part.search("letter", 9)} == {"c.txt"}
    assert {passage.document for passage in view.search("letter", 9)} == {"a.txt", "c.txt"}
    assert part.sha256 != view.sha256
    assert part.shape.items == 0


def test_the_shape_is_of_the_largest_table(view: View) -> None:
    assert (view.shape.items, view.shape.fields) == (3, 2)


def test_short_texts_are_counted_and_long_ones_estimated(view: View) -> None:
    assert view.tokens(len) == view.characters
    with Collection.of({f"{number}.txt": f"word {number} " * 20_000 for number in range(3)}) as long:
        characters = View(long).characters
        assert abs(View(long).tokens(len) - characters) < 0.1 * characters


def test_values_and_mentions_are_the_columns_own(view: View) -> None:
    assert view.mentions("How many in koln?") == [Mention("b", "city", "Köln")]
    assert view.values("b", "city", "KÖLN") == ["Bonn", "Köln"]
    assert view.values("b", "nothing", "x") == []


def test_a_document_is_found_by_its_number(view: View) -> None:
    first = view.documents[0]
    assert view.document(first.id) == first
    assert view.document(999) is None


def test_a_place_is_told_by_what_it_stands_under() -> None:
    text = "# Lease\n\n## Fees\n\nThe rent is due in March, and on the first day of each month after that.\n"
    with Collection.of({"lease.md": text, "note.txt": "Rent is paid."}) as collection:
        view = View(collection)
        lease, note = view.documents
        assert view.place(lease.start + text.index("rent")) == "Lease > Fees"
        assert view.place(note.start) == ""


def test_documents_that_say_something_of_themselves_are_counted_as_rows() -> None:
    posts = {f"{n}.md": f"---\nauthor: Ann\ntags: [a, b]\n---\n\nText {n}.\n" for n in range(3)}
    with Collection.of(posts) as collection:
        assert (View(collection).shape.items, View(collection).shape.fields) == (3, 2)
    with Collection.of({"a.txt": "One.", "b.txt": "Two."}) as collection:
        assert View(collection).shape.fields == 0
