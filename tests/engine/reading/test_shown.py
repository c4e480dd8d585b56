"""What is said rests on a passage that holds it, letter by letter or in its numbers and names, or on none."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.engine.reading.shown import Shown, cited

LEASE = "The rent is 1,200 crowns a month.\nMs Lindqvist may end\nthe lease in May 2021.\nKeys: 5 in 2015.\n"
REPAIR = "The pump was repaired by R. Aldous on 3 June. " * 8 + "The invoice names 88 crowns. It is not paid."


def passages(*texts: str) -> list[Shown]:
    starts = [100 * place + sum(map(len, texts[:place])) for place in range(len(texts))]
    return [Shown(start, text, f"file-{start}.txt\n{text}") for start, text in zip(starts, texts, strict=True)]


SHOWN = passages(LEASE, REPAIR)


def text_at(place: tuple[int, int], shown: Sequence[Shown] = SHOWN) -> str:
    one = next(one for one in shown if one.start <= place[0] and place[1] <= one.start + len(one.text))
    return one.text[place[0] - one.start : place[1] - one.start]


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("1,200 crowns", "The rent is 1,200 crowns a month."),
        ("may end the lease", "Ms Lindqvist may end\nthe lease in May 2021."),
        ("MS LINDQVIST", "Ms Lindqvist may end"),
    ],
)
def test_a_quote_is_cited_with_its_lines(said: str, lines: str) -> None:
    found = cited(said, SHOWN, 0)
    assert found is not None
    assert text_at(found.span) == lines


def test_of_a_long_line_the_sentence_is_cited() -> None:
    found = cited("88 crowns", SHOWN, 1)
    assert found is not None
    assert text_at(found.span) == "The invoice names 88 crowns."


def test_the_passage_that_holds_it_is_cited_where_a_model_names_another() -> None:
    found = cited("R. Aldous", SHOWN, 0)
    assert found is not None
    assert found.place == 1


@pytest.mark.parametrize("said", ["1,300 crowns", "Ms Rubio", "20 crowns", "15", "Ms Holm", "a blue parrot", "", "?"])
def test_what_no_passage_holds_rests_on_none(said: str) -> None:
    assert cited(said, SHOWN, 0) is None


def test_a_number_inside_another_is_no_quote() -> None:
    keys = passages("In 2015 there were 5 keys.\nNobody counts them.")
    found = cited("5", keys, 0)
    assert found is not None
    assert found.span == keys[0].span  # no line is singled out


_PIECES = st.one_of(
    st.sampled_from(re.findall(r"\S+|\s+", LEASE + REPAIR)),
    st.sampled_from(["Rubio", "Winter", "1,300", "2019", "88.5", "not", "the", "NDA", ".", " "]),
    st.text(max_size=6),
)


@settings(max_examples=500)
@given(st.lists(_PIECES, max_size=12).map(" ".join), st.sampled_from([0, 1]))
def test_no_citation_leaves_whose_numbers_or_names_are_not_in_its_source(said: str, named: int) -> None:
    found = cited(said, SHOWN, named)
    if found is None:
        return
    source, span = SHOWN[found.place], found.span
    assert source.start <= span[0] < span[1] <= source.start + len(source.text)
    said = found.said
    digits = {re.sub(r"\D", "", number) for number in re.findall(r"[\d.,]*\d", source.told)}
    for number in re.findall(r"\d+(?:[.,]\d+)*", said):
        bare = re.sub(r"\D", "", number)
        assert any(bare.strip("0") in each for each in digits)
    for name in ("Rubio", "Winter", "NDA"):
        assert f" {name}" not in f"{said} "[1:] or name in source.told
