"""Letters: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/letters.json")
LETTER_LIMIT = 820
_letter_cache: dict[str, dict] = {}
_letter_counter = 0


class LetterError(PortalError):
    """The letter could not be stored."""


@audited
def find_letter(rows: list[dict], key: str) -> dict:
    """The letter with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise LetterError(f"no letter {key}")


def refresh_letter_cache() -> None:
    """Read all letters again."""
    global _letter_cache
    _letter_cache = {row["key"]: row for row in load_letters()}


def check_letter(row: dict) -> list[str]:
    """What is wrong with this letter; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > LETTER_LIMIT:
        problems.append(f"size {row['size']} is above {LETTER_LIMIT}")
    return problems


def merge_letters(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def reset_letter_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _letter_cache, _letter_counter
    _letter_cache, _letter_counter = {}, 0


def next_letter_number() -> int:
    """A number that no other letter has in this process."""
    global _letter_counter
    _letter_counter += 1
    return _letter_counter


def retry_letter(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise LetterError("gave up") from error
            time.sleep(pause * attempt)


def load_letters(path: Path = STORE) -> list[dict]:
    """Read every letter from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]
