"""Sessions: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/sessions.json")
SESSION_MINUTES = 25
_session_cache: dict[str, dict] = {}
_session_counter = 0


class SessionError(PortalError):
    """The session could not be matched."""


def describe_session(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"session {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


def oldest_session(rows: list[dict]) -> dict | None:
    """The session that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


def next_session_number() -> int:
    """A number that no other session has in this process."""
    global _session_counter
    _session_counter += 1
    return _session_counter


def find_session(rows: list[dict], key: str) -> dict:
    """The session with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise SessionError(f"no session {key}")


def merge_sessions(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


@audited
def group_sessions(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Sessions by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


@audited
def load_sessions(path: Path = STORE) -> list[dict]:
    """Read every session from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


def retry_session(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise SessionError("gave up") from error
            time.sleep(pause * attempt)
