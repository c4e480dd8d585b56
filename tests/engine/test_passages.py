import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.corpus import Corpus
from rlm_local.engine.passages import LONGEST, Passages
from tests.engine.records import records

words = st.sampled_from("the pump rattles Karsten V-003 2024-05-01 ünter 12.50 \N{GRINNING FACE} a.b; said: x".split())
line = st.lists(words, max_size=40).map(" ".join)
prose = st.lists(st.one_of(line, st.just(""), st.integers(1, 3000).map(lambda n: "x" * n)), max_size=12).map("\n".join)
cell = st.one_of(st.none(), st.integers(-5, 5), st.text("ab ,\"'\n", max_size=8))
rows = st.lists(st.dictionaries(st.sampled_from(("id", "name", "note")), cell, max_size=3), min_size=1, max_size=8)


def csv(records: list[dict[str, object]]) -> str:
    quoted = (
        "".join(f'"{str(row.get(k, "")).replace(chr(34), chr(34) * 2)}",' for k in ("id", "name")) for row in records
    )
    return "id,name,rest\n" + "".join(f"{row}\n" for row in quoted)


def jsonl(records: list[dict[str, object]]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in records)


def log(lines: list[str]) -> str:
    return "".join(f"2024-05-01 12:00:{n:02} INFO {text}\n" for n, text in enumerate(lines))


def mail(text: str) -> str:
    return f"From: jo@example.org\nTo: al@example.org\nSubject: Hello\nDate: Wed, 1 May 2024 12:00:00 +0000\n\n{text}"


def code(lines: list[str]) -> str:
    return "".join(f"def f{n}():\n    return {text!r}\n\n\n" for n, text in enumerate(lines))


lines = st.lists(line, min_size=1, max_size=8)
document = st.one_of(
    st.tuples(st.just(".txt"), prose),
    st.tuples(st.just(".md"), prose.map(lambda text: f"# Title\n\n{text}\n\n## Part\n\n{text}")),
    st.tuples(st.just(".csv"), rows.map(csv)),
    st.tuples(st.just(".jsonl"), rows.map(jsonl)),
    st.tuples(st.just(".json"), rows.map(json.dumps)),
    st.tuples(st.just(".log"), lines.map(log)),
    st.tuples(st.just(".eml"), prose.map(mail)),
    st.tuples(st.just(".py"), lines.map(code)),
)
corpora = st.lists(document, min_size=1, max_size=4).map(
    lambda each: Corpus.from_documents({f"d{number}{suffix}": text for number, (suffix, text) in enumerate(each)})
)


@settings(max_examples=60)
@given(corpora)
def test_passages_are_ordered_disjoint_bounded_and_inside_their_documents(corpus: Corpus) -> None:
    passages = Passages(corpus)
    at = 0
    for start, end in zip(passages.starts, passages.ends, strict=True):
        assert at <= start < end
        at = end
        assert any(d.start <= start and end <= d.end for d in corpus.documents)
        assert end - start <= LONGEST
        assert corpus.context[start:end].strip()
        document, _, shown = passages.render(start, end).partition("\n")
        assert document in {d.name for d in corpus.documents}
        if passages.item(start, end) is None:
            assert shown == corpus.context[start:end].strip()


@settings(max_examples=60)
@given(st.lists(prose, min_size=1, max_size=3))
def test_of_prose_nothing_but_white_space_is_left_out(texts: list[str]) -> None:
    corpus = Corpus.from_documents({f"d{number}.txt": text for number, text in enumerate(texts)})
    passages = Passages(corpus)
    for document in corpus.documents:
        at = document.start
        for start, end in zip(passages.starts, passages.ends, strict=True):
            if document.start <= start < document.end:
                assert not corpus.context[at:start].strip()
                at = end
        assert not corpus.context[at : document.end].strip()


def test_a_row_is_shown_by_field_names_and_knows_its_item() -> None:
    corpus = records()
    passages = Passages(corpus)
    at = corpus.context.index("V-001,")
    end = corpus.context.index("\n", at)
    shown = passages.render(at, end)
    assert shown.startswith("visits.csv\n")
    assert all(part in shown for part in ("patient: Ben Okafor", "status: cancelled", "cost: 80", "day: 2024-02-11"))
    item = passages.item(at, end)
    assert item is not None
    assert (item[0].name, item[1]) == ("visits", 1)
    assert passages.item(at, end - 1) is None


@pytest.mark.parametrize(
    ("cost", "shown"), [("80", "80"), ("80.5", "80.5"), ("12345678", "12345678"), ("0.25", "0.25")]
)
def test_numbers_are_shown_as_a_person_writes_them(cost: str, shown: str) -> None:
    corpus = Corpus.from_documents({"a.csv": f"name,cost\nx,{cost}\ny,1.5\nz,2\n"})
    passages = Passages(corpus)
    assert passages.render(passages.starts[0], passages.ends[0]).endswith(f"cost: {shown}")


def test_a_corpus_without_text_has_no_passages() -> None:
    assert len(Passages(Corpus.from_documents({}))) == 0
