"""Rooms: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/rooms.json")
ROOM_LIMIT = 60
_room_cache: dict[str, dict] = {}
_room_counter = 0


class RoomError(PortalError):
    """The room could not be stored."""


def check_room(row: dict) -> list[str]:
    """What is wrong with this room; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > ROOM_LIMIT:
        problems.append(f"size {row['size']} is above {ROOM_LIMIT}")
    return problems


def describe_room(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"room {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


@audited
def save_rooms(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old rooms."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)


def find_room(rows: list[dict], key: str) -> dict:
    """The room with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise RoomError(f"no room {key}")


@audited
def group_rooms(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Rooms by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def count_rooms(rows: list[dict]) -> int:
    """How many rooms are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


@audited
def oldest_room(rows: list[dict]) -> dict | None:
    """The room that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


def reset_room_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _room_cache, _room_counter
    _room_cache, _room_counter = {}, 0


def merge_rooms(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])
