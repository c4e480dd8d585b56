"""Reminders: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/reminders.json")
REMINDER_LIMIT = 810
_reminder_cache: dict[str, dict] = {}
_reminder_counter = 0


class ReminderError(PortalError):
    """The reminder could not be matched."""


def reset_reminder_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _reminder_cache, _reminder_counter
    _reminder_cache, _reminder_counter = {}, 0


def find_reminder(rows: list[dict], key: str) -> dict:
    """The reminder with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise ReminderError(f"no reminder {key}")


@audited
def save_reminders(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old reminders."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)


def retry_reminder(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise ReminderError("gave up") from error
            time.sleep(pause * attempt)


def group_reminders(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Reminders by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def count_reminders(rows: list[dict]) -> int:
    """How many reminders are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def check_reminder(row: dict) -> list[str]:
    """What is wrong with this reminder; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > REMINDER_LIMIT:
        problems.append(f"size {row['size']} is above {REMINDER_LIMIT}")
    return problems


def merge_reminders(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def oldest_reminder(rows: list[dict]) -> dict | None:
    """The reminder that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


@audited
def describe_reminder(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"reminder {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


def load_reminders(path: Path = STORE) -> list[dict]:
    """Read every reminder from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]
