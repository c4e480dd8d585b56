"""What questions mention is offered; what the corpus does not have is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.corpus import Corpus, ItemSet, group_size, link
from rlm_local.corpus.link import LinkValue

_DOCTORS = ["Lee, Anna", "Smith, Carl", "van der Berg, Jo", "Okafor, Ben"]
_STATES = ["no_show", "CANCELED", "FAILED", "on hold"]


def _visits() -> ItemSet:
    rows = ["id,doctor,status,opened,closed,amount,minutes,paid,room"]
    rows.extend(
        f'P-{10000 + n},"{_DOCTORS[n % 4]}",{_STATES[n % 4]},{2022 + n % 4}-{n % 12 + 1:02}-{n % 28 + 1:02},'
        f"2024-0{n % 9 + 1}-1{n % 10},"
        f"EUR {n * 10}.00,{n % 90 + 3},{'yes' if n % 2 else 'no'},{'ABC'[n % 3]}"
        for n in range(200)
    )
    return Corpus.from_documents({"visits.csv": "\n".join(rows)}).item_sets[0]


_VISITS = _visits()


@pytest.mark.parametrize(
    ("question", "field", "op", "value"),
    [
        ("How many no-shows were there?", "status", "=", "no_show"),
        ("how many noshow", "status", "=", "no_show"),
        ("List the cancelled ones", "status", "=", "CANCELED"),
        ("what failed?", "status", "=", "FAILED"),
        ("which visits are On-Hold", "status", "=", "on hold"),
        ("visits of Dr. Lee", "doctor", "=", "Lee, Anna"),
        ("visits of Carl Smith", "doctor", "=", "Smith, Carl"),
        ("what did Jo van der Berg do", "doctor", "=", "van der Berg, Jo"),
        ("show p-10044", "id", "=", "P-10044"),
        ("show P10044", "id", "=", "P-10044"),
        ("in room A", "room", "=", "A"),
        ("which were not paid", "paid", "=", "false"),
        ("which were paid", "paid", "=", "true"),
        ("unpaid ones", "paid", "=", "false"),
        ("more than 500 EUR", "amount", ">", 500.0),
        ("at least EUR 1,250.00", "amount", ">=", 1250.0),
        ("under €300", "amount", "<", 300.0),
        ("between 100 and 200 euros", "amount", "in", (100.0, 200.0)),
        ("longer than 30 minutes", "minutes", ">", 30.0),
        ("15 minutes or less", "minutes", "<=", 15.0),
        ("no more than twelve minutes", "minutes", "<=", 12.0),
        ("opened in March 2024", "opened", "in", ("2024-03-01", "2024-03-31")),
        ("opened in Q2 2024", "opened", "in", ("2024-04-01", "2024-06-30")),
        ("opened in the second half of 2024", "opened", "in", ("2024-07-01", "2024-12-31")),
        ("opened in February 2024", "opened", "in", ("2024-02-01", "2024-02-29")),
        ("opened on Mondays", "opened_weekday", "=", "Monday"),
        ("opened in 2023", "opened", "in", ("2023-01-01", "2023-12-31")),
        ("opened since 2023", "opened", ">=", "2023-01-01"),
        ("opened before June 2023", "opened", "<", "2023-06-01"),
        ("opened after May 2023", "opened", ">", "2023-05-31"),
        ("opened by 3 March 2024", "opened", "<=", "2024-03-03"),
        ("closed on 3 May", "closed", "in", ("2024-05-03", "2024-05-03")),
        ("closed between March and May 2024", "closed", "in", ("2024-03-01", "2024-05-31")),
        ("opened from 2022 to 2023", "opened", "in", ("2022-01-01", "2023-12-31")),
        ("closed on 2024-05-03", "closed", "in", ("2024-05-03", "2024-05-03")),
        ('whose text says "red flag"', "text", "contains", "red flag"),
    ],
)
def test_mentions(question: str, field: str, op: str, value: LinkValue) -> None:
    found = link(question, _VISITS)
    assert (field, op, value) in [(each.field, each.op, each.value) for each in found]
    assert all(0 < each.score <= 1 for each in found)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("Which of them may be counted in total?", "status"),
        ("is there a no?", "room"),
        ("more than 500 EUR", "minutes"),
        ("in March 1999", "opened"),
        ("in 2024 and 2025 what happened", "amount"),
        ("a visit in the morning", "room"),
        ("What about Brown", "doctor"),
    ],
)
def test_nothing_is_offered_that_is_not_there(question: str, field: str) -> None:
    assert field not in {each.field for each in link(question, _VISITS)}


_NO_NAMES = ("kind", "the", "for", "null", "none", "nan", "nil", "unknown", "tbd", "yes", "true", "false")
_NAMES = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=9).filter(lambda word: word not in _NO_NAMES),
    min_size=1,
    max_size=3,
).map(" ".join)


@settings(max_examples=80, deadline=None)
@given(st.lists(_NAMES, min_size=2, max_size=8, unique=True), st.data())
def test_every_category_value_is_found_where_it_is_mentioned(values: list[str], data: st.DataObject) -> None:
    rows = "\n".join(f"{n},{value}" for n, value in enumerate(values * 4))
    item_set = Corpus.from_documents({"t.csv": f"nr,kind\n{rows}"}).item_sets[0]
    value = data.draw(st.sampled_from(values))
    found = link(f"How many have the kind {value} here?", item_set)
    assert value in [each.value for each in found if each.field == "kind"]


def test_a_hundred_thousand_values_are_looked_up_not_searched() -> None:
    rows = "\n".join(f"K-{n:06},{n}" for n in range(100_000))
    item_set = Corpus.from_documents({"t.csv": f"key,n\n{rows}"}).item_sets[0]
    (found,) = (each for each in link("what of k-054321?", item_set) if each.field == "key")
    assert found.value == "K-054321"


def test_a_code_that_holds_a_year_is_a_code() -> None:
    rows = "ticket,opened,state\n" + "".join(f"T-{2001 + n},2024-01-{1 + n % 28:02},open\n" for n in range(60))
    item_set = Corpus.from_documents({"tickets.csv": rows}).item_sets[0]
    assert [(found.field, found.value) for found in link("Who has ticket T-2043?", item_set)] == [("ticket", "T-2043")]
    assert not any(found.field == "ticket" for found in link("How many were opened in 2024?", item_set))


@pytest.mark.parametrize(
    ("question", "size"),
    [
        ("Which customers have two or more late orders?", (">=", 2.0)),
        ("Who placed more than 3 orders in May?", (">", 3.0)),
        ("Which customers ordered at least twice?", (">=", 2.0)),
        ("Who wrote more than once?", (">", 1.0)),
        ("Which customers have exactly one order?", ("=", 1.0)),
        ("Which orders over 30 euros are late?", None),
        ("How many orders were there in 2 weeks?", None),
        ("How many orders weigh more than 4 kg, and which order is the first?", None),
    ],
)
def test_a_question_may_ask_for_groups_of_a_size(question: str, size: tuple[str, float] | None) -> None:
    [orders] = Corpus.from_documents({"orders.csv": "customer,state\nAda,late\nBen,sent\n"}).item_sets
    found = group_size(question, orders)
    assert (found and (found.op, found.value)) == size


def test_a_word_of_lists_of_values_is_looked_for_as_they_write_it() -> None:
    days = ("Monday, Thursday", "Tuesday, Thursday", "Friday")
    rows = "".join(f"{name};{days[n % 3]}\n" for n, name in enumerate("ABCDEFGHI"))
    [staff] = Corpus.from_documents({"staff.csv": f"name;clinic_days\n{rows}"}).item_sets
    found = [each for each in link("Who is there on Thursdays?", staff) if each.field == "clinic_days"]
    assert ("contains", "Thursday") in [(each.op, each.value) for each in found]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("How many of the I-2025 numbers are late?", "I-2025"),
        ("How many bills (numbers I-2025-...) are late?", "I-2025"),
        ("Is bill I-2025-0003 late?", None),
        ("Is bill I-2026 late?", None),
    ],
)
def test_the_beginning_that_codes_share_is_a_test(question: str, value: str | None) -> None:
    rows = "".join(f"I-{year}-{number:04},late\n" for year in (2024, 2025) for number in range(20))
    [bills] = Corpus.from_documents({"bills.csv": f"bill_id,state\n{rows}"}).item_sets
    found = [each.value for each in link(question, bills) if each.op == "contains" and "-" in str(each.value)]
    assert found == ([value] if value else [])
