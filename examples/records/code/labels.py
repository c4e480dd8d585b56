"""Labels: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/labels.json")
LABEL_LIMIT = 290
_label_cache: dict[str, dict] = {}
_label_counter = 0


class LabelError(PortalError):
    """The label could not be matched."""


def next_label_number() -> int:
    """A number that no other label has in this process."""
    global _label_counter
    _label_counter += 1
    return _label_counter


def count_labels(rows: list[dict]) -> int:
    """How many labels are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def check_label(row: dict) -> list[str]:
    """What is wrong with this label; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > LABEL_LIMIT:
        problems.append(f"size {row['size']} is above {LABEL_LIMIT}")
    return problems


def find_label(rows: list[dict], key: str) -> dict:
    """The label with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise LabelError(f"no label {key}")


def reset_label_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _label_cache, _label_counter
    _label_cache, _label_counter = {}, 0


def merge_labels(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


@audited
def retry_label(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise LabelError("gave up") from error
            time.sleep(pause * attempt)


def load_labels(path: Path = STORE) -> list[dict]:
    """Read every label from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


def group_labels(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Labels by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups
