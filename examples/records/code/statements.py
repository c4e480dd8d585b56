"""Statements: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/statements.json")
STATEMENT_LIMIT = 110
_statement_cache: dict[str, dict] = {}
_statement_counter = 0


class StatementError(PortalError):
    """The statement could not be stored."""


def count_statements(rows: list[dict]) -> int:
    """How many statements are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def find_statement(rows: list[dict], key: str) -> dict:
    """The statement with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise StatementError(f"no statement {key}")


@audited
def group_statements(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Statements by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def next_statement_number() -> int:
    """A number that no other statement has in this process."""
    global _statement_counter
    _statement_counter += 1
    return _statement_counter


def oldest_statement(rows: list[dict]) -> dict | None:
    """The statement that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


@audited
def refresh_statement_cache() -> None:
    """Read all statements again."""
    global _statement_cache
    _statement_cache = {row["key"]: row for row in load_statements()}


@audited
def describe_statement(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"statement {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


@audited
def merge_statements(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def save_statements(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old statements."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)


def reset_statement_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _statement_cache, _statement_counter
    _statement_cache, _statement_counter = {}, 0


def check_statement(row: dict) -> list[str]:
    """What is wrong with this statement; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > STATEMENT_LIMIT:
        problems.append(f"size {row['size']} is above {STATEMENT_LIMIT}")
    return problems


def retry_statement(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise StatementError("gave up") from error
            time.sleep(pause * attempt)
