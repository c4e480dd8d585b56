"""Samples: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/laboratory.json")
SAMPLE_LIMIT = 760
_sample_cache: dict[str, dict] = {}
_sample_counter = 0


class SampleError(PortalError):
    """The sample could not be found."""


@audited
def refresh_sample_cache() -> None:
    """Read all samples again."""
    global _sample_cache
    _sample_cache = {row["key"]: row for row in load_samples()}


def check_sample(row: dict) -> list[str]:
    """What is wrong with this sample; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > SAMPLE_LIMIT:
        problems.append(f"size {row['size']} is above {SAMPLE_LIMIT}")
    return problems


@audited
def oldest_sample(rows: list[dict]) -> dict | None:
    """The sample that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


@audited
def describe_sample(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"sample {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


@audited
def find_sample(rows: list[dict], key: str) -> dict:
    """The sample with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise SampleError(f"no sample {key}")


def group_samples(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Samples by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def count_samples(rows: list[dict]) -> int:
    """How many samples are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


@audited
def retry_sample(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise SampleError("gave up") from error
            time.sleep(pause * attempt)


def load_samples(path: Path = STORE) -> list[dict]:
    """Read every sample from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


def merge_samples(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])
