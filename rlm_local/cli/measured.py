"""Measurements: which are asked for, as a table, for programs, in a file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from rlm_local.cli.terminal import columns
from rlm_local.errors import StoreError, UsageError

if TYPE_CHECKING:
    from rlm_local.bench.measurement import Measurement


def chosen(rows: list[str] | None, known: Iterable[str]) -> list[str]:
    """The names given, or all. Raises UsageError for one that is not known."""
    names = list(known)
    for row in rows or ():
        if row not in names:
            raise UsageError(f"there is no row {row!r}", remedy=f"There are {', '.join(names)}")
    return rows or names


def table(measured: "list[Measurement]") -> list[str]:
    """A line for each measurement: the median, its spread and the target."""
    lines: list[tuple[str, ...]] = [("measured", "n", "median", "from", "to", "by processor", "target", "")]
    for each in measured:
        figures = [
            f"{value:,.{2 if each.unit == 'x' else 1}f}" for value in (each.middle, min(each.values), max(each.values))
        ]
        by_processor = f"{median(each.by_processor):,.2f} {each.unit}" if each.by_processor else ""
        sign = "at most" if each.at_most else "at least"
        goal = "" if each.target is None else f"{sign} {each.target:g} {each.unit}"
        verdict = "" if not goal else "met" if each.met else "missed"
        middle = f"{figures[0]} {each.unit}"
        lines.append((each.name, str(len(each.values)), middle, *figures[1:], by_processor, goal, verdict))
    return columns(lines, right=range(1, 6))


def as_rows(measured: "Sequence[Measurement]") -> list[dict[str, Any]]:
    """What `--json` says of them."""
    return [{**asdict(each), "middle": each.middle, "met": each.met} for each in measured]


def write(path: Path, text: str) -> None:
    """Raises StoreError where that is not possible."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
