"""Whatever the documents hold: every item is a slice of its own document, and is the text it was made from."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.corpus import Corpus

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30)
_WORD = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)
_RECORDS = st.lists(
    st.fixed_dictionaries({"id": _WORD, "note": _TEXT, "n": st.integers(-(10**6), 10**6)}), min_size=1, max_size=12
)


def check(corpus: Corpus) -> None:
    """Every item lies in its document, sets are in order, every field has a value per item, and spans slice back."""
    names = [item_set.name for item_set in corpus.item_sets]
    assert len(set(names)) == len(names)
    assert all(document.text == corpus.context[document.start : document.end] for document in corpus.documents)
    for item_set in corpus.item_sets:
        assert len(item_set.starts) == len(item_set.ends) == len(item_set.documents) > 0
        assert list(item_set.starts) == sorted(item_set.starts)
        assert all(len(field.values) == len(item_set) for field in item_set.fields)
        assert len({field.name for field in item_set.fields}) == len(item_set.fields)
        for start, end, number in zip(item_set.starts, item_set.ends, item_set.documents, strict=True):
            document = corpus.documents[number]
            assert document.start <= start < end <= document.end
            span = corpus.span(start, end)
            assert span.document == document.name
            assert corpus.text_of(span) == corpus.context[start:end] == document.text[span.start : span.end]


@settings(max_examples=60, deadline=None)
@given(_RECORDS, st.sampled_from([",", ";", "\t", "|"]))
def test_csv_rows_are_their_own_characters(records: list[dict[str, object]], delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "note", "n"], delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    corpus = Corpus.from_documents({"r.csv": out.getvalue()})
    check(corpus)
    rows = next((s for s in corpus.item_sets if s.kind == "rows"), None)
    assert rows is not None
    for text in rows.texts(corpus.context):
        assert len(list(csv.reader(io.StringIO(text), delimiter=delimiter))) == 1


@settings(max_examples=60, deadline=None)
@given(_RECORDS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_objects_are_their_own_characters(
    records: list[dict[str, object]], indent: int | str | None, nested: bool
) -> None:
    whole = {"meta": {"v": 1}, "visits": records} if nested else records
    corpus = Corpus.from_documents({"r.json": json.dumps(whole, indent=indent, ensure_ascii=False)})
    check(corpus)
    rows = next(s for s in corpus.item_sets if len(s) == len(records))
    assert [json.loads(text) for text in rows.texts(corpus.context)] == records


@settings(max_examples=60, deadline=None)
@given(_RECORDS)
def test_json_lines_are_lines(records: list[dict[str, object]]) -> None:
    corpus = Corpus.from_documents({"r.jsonl": "\n".join(map(json.dumps, records))})
    check(corpus)
    assert [json.loads(text) for text in corpus.item_sets[0].texts(corpus.context)] == records


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["INFO", "WARN", "ERROR"]), _WORD, st.lists(_WORD, max_size=2)),
        min_size=3,
        max_size=20,
    )
)
def test_log_records_keep_their_continuations(records: list[tuple[str, str, list[str]]]) -> None:
    texts = [
        "\n".join(
            [f"2024-03-{n % 28 + 1:02} 10:00:{n % 60:02} {level} app: {word}", *(f"  at {frame}" for frame in frames)]
        )
        for n, (level, word, frames) in enumerate(records)
    ]
    corpus = Corpus.from_documents({"app.log": "\n".join(texts)})
    check(corpus)
    assert list(corpus.item_sets[0].texts(corpus.context)) == texts


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.builds(
            "{}.{}".format,
            st.text("abc/", min_size=1, max_size=6),
            st.sampled_from("txt md csv json jsonl log eml mbox html py js rb".split()),
        ),
        st.one_of(_TEXT, st.lists(_TEXT, max_size=8).map("\n".join), st.lists(_TEXT, max_size=8).map("\n\n".join)),
        max_size=6,
    )
)
def test_any_text_under_any_name(documents: dict[str, str]) -> None:
    corpus = Corpus.from_documents(documents)
    check(corpus)
    assert len(corpus.documents) + len(corpus.skipped) == len(documents)


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "notes.md", "app.log", "t.csv", "d.json", "d.jsonl", "m.eml", "m.mbox", "p.html", "c.py", "c.js"],
)
@pytest.mark.parametrize(
    "text",
    ["x", "\n\nx\n\n", '"', '"unclosed, quote\nb,c\n' * 30, "{" * 3000, "[" * 100_000,
     '{"a":' * 100_000, "From x\n", "# \n# \n", "|a|\n|-|\n|b|",
     "a,b\n1\n1,2,3\n", "\ufffd\n", "<![if !x]><p>a", "def f(:\n  pass",
     "def f():\n" + " (" * 300, "class A {", "a" * 200_000],
    ids=range(17),
)  # fmt: skip
def test_hostile_texts_do_not_crash(name: str, text: str) -> None:
    check(Corpus.from_documents({name: text, "other.txt": "One line of something else."}))
