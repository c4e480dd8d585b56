import pytest

from rlm_local.collection.number import quantity
from rlm_local.corpus.date import DateReader, day_month_order
from rlm_local.corpus.field import field_name, typed


@pytest.mark.parametrize(
    ("text", "mark", "value", "unit"),
    [
        ("EUR 1,250.00", ".", 1250.0, "EUR"), ("1.250,00 €", ",", 1250.0, "EUR"), ("$45.20", ".", 45.2, "USD"),
        ("12 kg", ".", 12.0, "kg"), ("37 %", ".", 37.0, "%"), ("-3.5", ".", -3.5, ""), ("(1,200)", ".", -1200.0, ""),
        ("1 250 000", ".", 1250000.0, ""), ("1'250.50", ".", 1250.5, ""), ("£1.5k", ".", 1500.0, "GBP"),
        ("1e3", ".", 1000.0, ""),
        ("12,5", ",", 12.5, ""), ("36.8 °C", ".", 36.8, "°C"), ("\u22124", ".", -4.0, ""), ("US$ 20", ".", 20.0, "USD"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, mark: str, value: float, unit: str) -> None:
    read = quantity(text, "," if mark == "," else ".")
    assert read is not None
    assert (read.value, read.unit) == (value, unit)


@pytest.mark.parametrize(
    "text",
    [
        "00417",
        "10.0.0.3",
        "12:30",
        "3/4",
        "2024-03",
        "",
        "abc",
        "12345678901234567",
        "1,2,3",
        "nan",
        "1_000",
        "12 Main Street",
    ],
)
def test_codes_and_words_are_no_numbers(text: str) -> None:
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2025-03-03", "2025-03-03"), ("3 March 2025", "2025-03-03"), ("Mar 3, 2025", "2025-03-03"),
        ("03.04.2025", "2025-04-03"),
        ("3rd of March 2025", "2025-03-03"), ("Mon, 3 Mar 2025 10:05:00 +0100", "2025-03-03T10:05:00"),
        ("2025-03-03T10:05:06.123Z", "2025-03-03T10:05:06"),
        ("10/Oct/2000:13:55:36 -0700", "2000-10-10T13:55:36"), ("3-Mar-25", None), ("31 February 2025", None),
        ("2025/3/9 9:05 pm", "2025-03-09T21:05:00"),
        ("3 de marzo de 2025", "2025-03-03"), ("3. März 2025", "2025-03-03"), ("March 2025", "2025-03"),
        ("25:61", None), ("13/13/2025", None),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(text: str, iso: str | None) -> None:
    assert DateReader().read(text) == iso


def test_the_order_of_day_and_month_is_the_field_s() -> None:
    assert day_month_order(["03/04/2025", "25/04/2025"]) == "day"
    assert day_month_order(["03/04/2025", "04/25/2025"]) == "month"
    assert day_month_order(["01/02/2025", "01/09/2025", "02/03/2025", "03/01/2025"]) == "month"
    assert typed("Date", ["03/04/2025", "25/04/2025"])[0].values == ["2025-04-03", "2025-04-25"]
    assert typed("Date", ["03/04/2025", "04/25/2025"])[0].values == ["2025-03-04", "2025-04-25"]


@pytest.mark.parametrize(
    ("label", "cells", "kind"),
    [
        ("amount", ["EUR 1,250.00", "EUR 3.00", "n/a", None], "number"),
        ("price", ["1.250,00 €", "3,50 €"], "number"),
        ("paid", ["yes", "no", "Yes", None], "bool"),
        ("active", [True, False], "bool"),
        ("status", ["open", "closed", "open", "open"], "category"),
        ("Patient ID", ["4711", "4712", "4713", "4714", "4715"], "id"),
        ("zip", ["00417", "10115", "10115", "00417"], "category"),
        ("ticket", [f"T-{n}" for n in range(30)], "id"),
        (
            "comment",
            [f"the {n}th visitor said that the lift was slow and the stairs were steep again" for n in range(9)],
            "text",
        ),
        ("created_at", [1.7e9, 1.7001e9], "date"),
        ("seen", ["3 March 2025", "4 March 2025", "unknown"], "date"),
        ("nothing", [None, None], "text"),
    ],
)
def test_types(label: str, cells: list[str | float | bool | None], kind: str) -> None:
    field = typed(label, cells)[0]
    assert field.type == kind
    assert len(field.values) == len(cells)


def test_numbers_in_several_units_keep_their_units_beside_them() -> None:
    price, unit = typed("Price", ["EUR 10", "USD 12", "EUR 5", "USD 7", "EUR 1", "EUR 2", "EUR 3", "USD 1"])
    assert (price.name, price.type, price.unit) == ("price", "number", "")
    assert (unit.name, unit.type, unit.counts["EUR"]) == ("price_unit", "category", 5)


def test_statistics() -> None:
    field = typed("n", ["3", "1", "3", None])[0]
    assert (field.min, field.max, field.distinct, field.top(1)) == (1.0, 3.0, 2, [(3.0, 2)])


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Amount due:", "amount_due"),
        ("patientId", "patient_id"),
        ("HTTPStatus", "http_status"),
        ("Größe (cm)", "grosse_cm"),
        ("2nd call", "n2nd_call"),
        ("!", "value"),
    ],
)
def test_names(label: str, name: str) -> None:
    assert field_name(label) == name
