"""Tasks: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/tasks.json")
TASK_LIMIT = 300
_task_cache: dict[str, dict] = {}
_task_counter = 0


class TaskError(PortalError):
    """The task could not be found."""


@audited
def find_task(rows: list[dict], key: str) -> dict:
    """The task with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise TaskError(f"no task {key}")


def oldest_task(rows: list[dict]) -> dict | None:
    """The task that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


def retry_task(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise TaskError("gave up") from error
            time.sleep(pause * attempt)


def merge_tasks(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def group_tasks(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Tasks by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def count_tasks(rows: list[dict]) -> int:
    """How many tasks are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


@audited
def refresh_task_cache() -> None:
    """Read all tasks again."""
    global _task_cache
    _task_cache = {row["key"]: row for row in load_tasks()}


@audited
def load_tasks(path: Path = STORE) -> list[dict]:
    """Read every task from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]
