"""A part of a corpus is a corpus: whole records, the same fields, and every place leads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.corpus import Corpus, view

CORPUS = Corpus.from_documents({
    "visits.csv": "patient,department,cost\n"
    + "".join(f"P{n},{'Surgery' if n % 3 else 'Imaging'},{n}\n" for n in range(40)),
    "notes.txt": "The roof leaks.\n\nThe gate was painted by Holm.\n\nThe pump rattles, says Ada.\n",
    "door.log": "".join(f"2024-05-0{day} 10:00:00 INFO door {day} opened\n" for day in range(1, 9)),
})  # fmt: skip
VISITS = next(item_set for item_set in CORPUS.item_sets if item_set.name == "visits")
SIZE = len(CORPUS.context)
spans = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda pair: (min(pair), max(pair))), max_size=4
)


@given(spans)
def test_every_place_of_a_part_leads_back_to_the_same_text_and_no_record_is_cut(given: list[tuple[int, int]]) -> None:
    if not any(CORPUS.context[a:b].strip() for a, b in given):
        with pytest.raises(ValueError, match="no text"):
            view(CORPUS, given)
        return
    try:
        part = view(CORPUS, given)
    except ValueError:  # nothing but the lines between documents
        return
    for item_set in part.corpus.item_sets:
        whole = next(s for s in CORPUS.item_sets if s.name == item_set.name)
        texts = {*whole.texts(CORPUS.context)}
        for index, text in enumerate(item_set.texts(part.corpus.context)):
            assert text in texts
            start, end = part.origin(item_set.starts[index], item_set.ends[index])
            assert CORPUS.context[start:end] == text
    for document in part.corpus.documents:
        assert part.corpus.context[document.start : document.end] == document.text
    for record in ("visits", "door"):
        whole = next(s for s in CORPUS.item_sets if s.name == record)
        for start, end in zip(whole.starts, whole.ends, strict=True):
            touched = [min(b, end) - max(a, start) for a, b in part.spans]
            assert sum(max(0, size) for size in touched) in (0, end - start)


def test_a_group_of_rows_keeps_its_head_its_fields_and_their_types() -> None:
    department = VISITS.field("department")
    assert department is not None
    imaging = [i for i, value in enumerate(department.values) if value == "Imaging"]
    part = view(CORPUS, [(VISITS.starts[i], VISITS.ends[i]) for i in imaging]).corpus
    [document] = part.documents
    assert document.name == "visits.csv"
    assert document.text.startswith("patient,department,cost\nP0,Imaging,0\nP3,")
    [rows] = [s for s in part.item_sets if s.name == VISITS.name]
    assert len(rows) == len(imaging)
    assert [(f.name, f.type) for f in rows.fields] == [(f.name, f.type) for f in VISITS.fields]
    assert rows.fields[-1].values == [float(i) for i in imaging]


def test_a_span_through_a_record_takes_all_of_it() -> None:
    part = view(CORPUS, [(VISITS.starts[5] + 2, VISITS.starts[6] + 1)])
    assert [t for s in part.corpus.item_sets if s.name == VISITS.name for t in s.texts(part.corpus.context)] == [
        "P5,Surgery,5",
        "P6,Imaging,6",
    ]


def test_a_part_of_a_part_leads_back_through_both() -> None:
    notes = next(document for document in CORPUS.documents if document.name == "notes.txt")
    outer = view(CORPUS, [(notes.start, notes.end)])
    at = outer.corpus.context.index("The gate")
    inner = view(outer.corpus, [(at, at + 12)])
    place = inner.corpus.context.index("gate")
    start, end = outer.origin(*inner.origin(place, place + 4))
    assert CORPUS.context[start:end] == "gate"
