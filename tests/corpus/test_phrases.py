"""Stock phrases of several domains: the slots become fields, ordinary prose does not."""

import random

import pytest

from rlm_local.corpus.field import Field
from rlm_local.corpus.phrases import induce, sentences

_RANDOM = random.Random(7)


def by_name(texts: list[str]) -> dict[str, Field]:
    return {field.name: field for field in induce(texts, ())}


def test_an_appointment_letter() -> None:
    doctors = ["Dr. Lee", "Dr. Maria van der Berg", "Mr Jones", "Anna Okafor"]
    told = [(f"{n % 27 + 1} March 2025", doctors[n % 4]) for n in range(12)]
    texts = [
        f"Dear Ms Kaur,\n\nwe confirm your appointment on {day} with {doctor}. "
        "Please bring your\ninsurance card.\n\nKind regards"
        for day, doctor in told
    ]
    fields = by_name(texts)
    assert fields["appointment_date"].values == [f"2025-03-{n % 27 + 1:02}" for n in range(12)]
    assert fields["appointment_with"].values == [doctor for _, doctor in told]


def test_a_claim_letter_with_two_outcomes_and_an_optional_sentence() -> None:
    outcomes = ["approved", "declined", "referred to an adjuster"]
    things = ["car", "garden shed", "bicycle", "kitchen"]
    texts = [
        f"your claim of EUR {n * 137 + 90:,}.00 for the damage to your {things[n % 4]} has been {outcomes[n % 3]}."
        + (f" Payment will reach your account by {n % 27 + 1} May 2024." if n % 3 == 0 else "")
        for n in range(16)
    ]
    fields = by_name(texts)
    assert fields["claim_amount"].values == [n * 137 + 90.0 for n in range(16)]
    assert fields["claim_amount"].unit == "EUR"
    assert fields["damage"].values == [things[n % 4] for n in range(16)]
    assert fields["damage_status"].values == [outcomes[n % 3] for n in range(16)]
    assert fields["account_date"].counts.total() == 6


def test_a_delivery_note_a_school_note_and_a_maintenance_line() -> None:
    towns = ["Ulm", "Bad Tölz", "Graz"]
    parcels = [
        f"Parcel PK-{n + 100} left the depot in {towns[n % 3]} at {n % 12 + 8}:30 and weighs {n + 1}.5 kg."
        for n in range(9)
    ]
    fields = by_name(parcels)
    assert fields["parcel"].values == [f"PK-{n + 100}" for n in range(9)]
    assert fields["depot_in"].values == [towns[n % 3] for n in range(9)]
    assert fields["kg"].values == [n + 1.5 for n in range(9)]
    pupils = [
        f"{['Tom', 'Mia', 'Zoe'][n % 3]} was absent from {['maths', 'sport'][n % 2]} on {n + 1} October 2024."
        for n in range(9)
    ]
    assert by_name(pupils)["absent_date"].values == [f"2024-10-{n + 1:02}" for n in range(9)]
    pumps = [
        f"Pump {n} restarted after {n * 3 + 2} minutes: {['overheated', 'no power', 'valve stuck'][n % 3]}."
        for n in range(1, 10)
    ]
    assert by_name(pumps)["minutes"].values == [n * 3.0 + 2 for n in range(1, 10)]


def test_headers_with_bars() -> None:
    texts = [
        f"Visit V-{n:03} | 2024-01-{n + 1:02} | Dr {['Rufus Moss', 'Nadine Hall'][n % 2]}\nWent home. Felt {n} things."
        for n in range(9)
    ]
    fields = by_name(texts)
    assert fields["visit"].values == [f"V-{n:03}" for n in range(9)]
    assert fields["visit_date"].type == "date"
    assert fields["dr"].counts["Rufus Moss"] == 5


def test_ordinary_prose_has_no_fields() -> None:
    words = "river stone window letter garden old quiet many under before seemed carried looked nothing".split()
    texts = [
        " ".join(" ".join(_RANDOM.choice(words) for _ in range(9)).capitalize() + "." for _ in range(20))
        for _ in range(30)
    ]
    assert induce(texts, ()) == []


def test_a_phrase_that_texts_repeat_is_not_theirs() -> None:
    texts = ["\n\n".join(f"Bed {n + k} was cleaned on {k + 1} May 2024 by hand." for k in range(6)) for n in range(9)]
    assert induce(texts, ()) == []


@pytest.mark.parametrize("taken", [(), ("order",)])
def test_names_that_are_taken_are_left(taken: tuple[str, ...]) -> None:
    texts = [f"Your order O-{n} was packed with great care." for n in range(10, 19)]
    assert [field.name for field in induce(texts, taken)] == ([] if taken else ["order"])


def test_no_more_than_a_dozen_fields() -> None:
    texts = [
        " ".join(
            f"The {thing} of item {n} number {k} weighs {n * k + 1} kg."
            for k, thing in enumerate("abcdefghijklmnopqrst")
        )
        for n in range(9)
    ]
    assert len(induce(texts, ())) <= 12


def test_wrapped_lines_are_one_sentence_and_short_lines_are_their_own() -> None:
    text = "Visit V-1 | 2024-01-01\nThe patient came in the morning and was\nseen at once. Went home.\nStatus: fine\n"
    assert list(sentences(text)) == [
        "Visit V-1 | 2024-01-01",
        "The patient came in the morning and was seen at once.",
        "Went home.",
    ]
