"""Shifts: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/rota.json")
SHIFT_LIMIT = 540
_shift_cache: dict[str, dict] = {}
_shift_counter = 0


class ShiftError(PortalError):
    """The shift could not be found."""


def retry_shift(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise ShiftError("gave up") from error
            time.sleep(pause * attempt)


def load_shifts(path: Path = STORE) -> list[dict]:
    """Read every shift from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


def find_shift(rows: list[dict], key: str) -> dict:
    """The shift with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise ShiftError(f"no shift {key}")


def describe_shift(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"shift {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


def group_shifts(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Shifts by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def next_shift_number() -> int:
    """A number that no other shift has in this process."""
    global _shift_counter
    _shift_counter += 1
    return _shift_counter


def merge_shifts(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def save_shifts(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old shifts."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)
