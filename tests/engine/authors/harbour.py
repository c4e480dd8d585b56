"""A small collection of invented records, as tables without a database."""

from collections.abc import Sequence

from rlm_local.collection import Column, Reference, Table


def column(
    name: str,
    type: str = "category",  # noqa: A002  the contract's own word
    values: Sequence[str | float] = (),
    *,
    label: str = "",
    distinct: int = 0,
    unit: str = "",
) -> Column:
    """A column whose values are these, each as often as another."""
    count = distinct or len(values)
    least, greatest = (min(values), max(values)) if values else (None, None)  # type: ignore[type-var]
    return Column(
        name, label or name, type, unit, 10 * count, count, least, greatest, [(value, 10) for value in values]
    )


BOATS = Table(
    "boats",
    "rows",
    120,
    (
        column("name", "text", ["Gannet", "Winter Light", "Émeraude"], distinct=120),
        column("code", "id", ["V-1001", "V-1002"], distinct=120),
        column("harbour", "category", ["Skerry", "Holm"]),
        column("length", "number", [4.5, 31.0], label="Length over all", unit="m"),
        column("votes", "number", [0, 900]),
        column("built", "date", ["1978-03-01", "2019-06-30"]),
    ),
)
TRIPS = Table(
    "trips", "rows", 4_000, (column("boat", "id", ["V-1001"], distinct=90), column("people", "number", [0, 99]))
)
TABLES = (BOATS, TRIPS)
REFERENCES = (Reference("trips", "boat", "boats", "code", 1.0),)


def values(table: str, name: str, text: str) -> list[str]:
    """What `View.values` would say."""
    found = next(c for t in TABLES if t.name == table for c in t.columns if c.name == name)
    return [str(value) for value, _ in found.common]
