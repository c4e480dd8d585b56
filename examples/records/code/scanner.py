"""Pages: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/scanner.json")
PAGE_LIMIT = 720
_page_cache: dict[str, dict] = {}
_page_counter = 0


class PageError(PortalError):
    """The page could not be read."""


@audited
def save_pages(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old pages."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)


def oldest_page(rows: list[dict]) -> dict | None:
    """The page that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


def retry_page(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise PageError("gave up") from error
            time.sleep(pause * attempt)


def describe_page(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"page {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


@audited
def count_pages(rows: list[dict]) -> int:
    """How many pages are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def find_page(rows: list[dict], key: str) -> dict:
    """The page with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise PageError(f"no page {key}")


def check_page(row: dict) -> list[str]:
    """What is wrong with this page; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > PAGE_LIMIT:
        problems.append(f"size {row['size']} is above {PAGE_LIMIT}")
    return problems


def merge_pages(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


@audited
def group_pages(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Pages by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def next_page_number() -> int:
    """A number that no other page has in this process."""
    global _page_counter
    _page_counter += 1
    return _page_counter
