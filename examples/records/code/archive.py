"""Boxs: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/archive.json")
BOX_LIMIT = 710
_box_cache: dict[str, dict] = {}
_box_counter = 0


class BoxError(PortalError):
    """The box could not be found."""


def describe_box(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"box {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


def group_boxs(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Boxs by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def load_boxs(path: Path = STORE) -> list[dict]:
    """Read every box from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


@audited
def find_box(rows: list[dict], key: str) -> dict:
    """The box with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise BoxError(f"no box {key}")


def oldest_box(rows: list[dict]) -> dict | None:
    """The box that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


@audited
def retry_box(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise BoxError("gave up") from error
            time.sleep(pause * attempt)


def merge_boxs(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def count_boxs(rows: list[dict]) -> int:
    """How many boxs are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def check_box(row: dict) -> list[str]:
    """What is wrong with this box; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > BOX_LIMIT:
        problems.append(f"size {row['size']} is above {BOX_LIMIT}")
    return problems


@audited
def save_boxs(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old boxs."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)
