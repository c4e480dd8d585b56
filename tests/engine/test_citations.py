"""Quotes, numbers and names are in what they cite, or are said to be missing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.citations import in_own_words, quoted, unsupported, writes_nouns

LEASE = (
    "The tenant, Harbour Tools Ltd, pays $18,000 a month from 1 May 2021.\nMs Lindqvist may end the lease\n  with "
    "ninety (90) days of notice."
)
GERMAN = (
    "Der Mieter zahlt die Miete am ersten Werktag des Monats auf das Konto der Verwaltung. Die Wohnung wird im Zustand "
    "der letzten Begehung mit allen Schlüsseln übergeben. Haustiere sind nach Zustimmung der Verwaltung erlaubt. Die "
    "Kaution wird nach Ende des Vertrags mit Zinsen zurückgezahlt."
)


def test_a_quote_is_found_whatever_its_spacing() -> None:
    found = quoted("may end the lease with ninety", LEASE)
    assert found is not None
    assert LEASE[slice(*found)] == "may end the lease\n  with ninety"


@pytest.mark.parametrize("quote", ["may end the Lease", "may not end", "", "  "])
def test_a_quote_that_differs_in_a_letter_is_none(quote: str) -> None:
    assert quoted(quote, LEASE) is None


_TEXT = st.text() | st.text(alphabet="ab \n\u00a0\u00ad\u200b\u200d\ufeff'\"\u2018\u201c\u201d\u00ab\u02bc")


@given(_TEXT, _TEXT, _TEXT)
def test_what_stands_in_a_text_is_quoted_from_it(before: str, quote: str, after: str) -> None:
    found = quoted(quote, before + quote + after)
    if _seen(quote):
        assert found is not None
        assert _seen((before + quote + after)[slice(*found)]) == _seen(quote)
    else:
        assert found is None


def _seen(text: str) -> str:
    """The letters of a text, without spaces, soft hyphens and joiners, which no reader sees; quotation marks plain."""
    plain = re.sub("[\u201c-\u201e\u00ab\u00bb]", '"', re.sub("[\u2018-\u201a\u02bc]", "'", text))
    return re.sub(r"[\s\u00ad\u200b-\u200d\u2060\ufeff]", "", plain)


@pytest.mark.parametrize(
    "sentence",
    [
        "Harbour Tools pays 18000 dollars a month.",
        "The lease ends 90 days after the notice of Lindqvist.",
        "Lindqvists notice takes 90 days.",
        "Rent is due from May 2021 on, at $ 18.000.",
        "Somebody may end it.",
    ],
)
def test_a_sentence_stands_whose_numbers_and_names_do(sentence: str) -> None:
    assert unsupported(sentence, LEASE) == ()


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("The tenant pays $19,000 a month.", ("19,000",)),
        ("It ends with 30 days of notice.", ("30",)),
        ("The tenant is Winter Light Ltd.", ("Winter", "Light")),
        ("Notice goes to Rubio.", ("Rubio",)),
        ("Ana Rubio may end the lease.", ("Rubio",)),
        ("The NDA is part of it.", ("NDA",)),
    ],
)
def test_a_number_or_name_of_elsewhere_is_told(sentence: str, missing: tuple[str, ...]) -> None:
    assert unsupported(sentence, LEASE) == missing


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ('It says that she "may end the lease  with ninety" days.', ()),
        ("It says: “may end\u00ad the lease … ninety (90) days of notice.”", ()),
        ("It says that she «may never end the lease».", ("may never end the lease",)),
        ("Dr. Rubio pays.", ("Rubio",)),
        ("It is paid by Marten Lindgren.", ("Marten", "Lindgren")),
        ("It costs 1800 and 180.00.", ("1800", "180.00")),
    ],
)
def test_quotations_stand_letter_by_letter_and_near_names_and_numbers_are_others(
    sentence: str, missing: tuple[str, ...]
) -> None:
    assert unsupported(sentence, LEASE + "Martin Lindqvist pays 18,00.0.") == missing


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Notice takes ninety days.", "Notice takes ninety days."),
        ("Rubio may end the lease with ninety days of notice.", LEASE.split("\n", 1)[1]),
        ("Die Miete zahlt Rubio am ersten Werktag des Monats.", GERMAN.split(" Die Wohnung")[0]),
        ("房租由王芳支付。", "房租由李明支付。"),
        ("Passengers wait in the rain.", None),
    ],
)
def test_what_may_be_another_name_is_said_in_the_words_of_the_source(sentence: str, told: str | None) -> None:
    assert in_own_words(sentence, f"{LEASE}\n\n{GERMAN}\n\n房租由李明支付。屋顶漏水。") == told


def test_nouns_are_no_names_where_all_have_capitals() -> None:
    assert writes_nouns(GERMAN)
    assert not writes_nouns(LEASE * 3)
    said = "Die Rückgabe der Räume erfolgt an Frau Schuster."
    assert unsupported(said, GERMAN, nouns=True) == ("Frau", "Schuster")
    assert "Räume" in unsupported(said, GERMAN)


@given(st.text(max_size=80))
def test_a_text_supports_itself(text: str) -> None:
    assert unsupported(text, text) == ()
