"""Invoices: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/billing.json")
INVOICE_LIMIT = 750
_invoice_cache: dict[str, dict] = {}
_invoice_counter = 0


class InvoiceError(PortalError):
    """The invoice could not be read."""


def group_invoices(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Invoices by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def reset_invoice_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _invoice_cache, _invoice_counter
    _invoice_cache, _invoice_counter = {}, 0


def count_invoices(rows: list[dict]) -> int:
    """How many invoices are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def oldest_invoice(rows: list[dict]) -> dict | None:
    """The invoice that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


def merge_invoices(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def describe_invoice(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"invoice {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


@audited
def load_invoices(path: Path = STORE) -> list[dict]:
    """Read every invoice from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


def check_invoice(row: dict) -> list[str]:
    """What is wrong with this invoice; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > INVOICE_LIMIT:
        problems.append(f"size {row['size']} is above {INVOICE_LIMIT}")
    return problems


@audited
def next_invoice_number() -> int:
    """A number that no other invoice has in this process."""
    global _invoice_counter
    _invoice_counter += 1
    return _invoice_counter


def find_invoice(rows: list[dict], key: str) -> dict:
    """The invoice with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise InvoiceError(f"no invoice {key}")


def retry_invoice(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise InvoiceError("gave up") from error
            time.sleep(pause * attempt)
