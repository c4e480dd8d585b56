"""Appointments: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/appointments.json")
APPOINTMENT_LIMIT = 100
_appointment_cache: dict[str, dict] = {}
_appointment_counter = 0


class AppointmentError(PortalError):
    """The appointment could not be matched."""


def find_appointment(rows: list[dict], key: str) -> dict:
    """The appointment with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise AppointmentError(f"no appointment {key}")


def refresh_appointment_cache() -> None:
    """Read all appointments again."""
    global _appointment_cache
    _appointment_cache = {row["key"]: row for row in load_appointments()}


def describe_appointment(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"appointment {row['key']} ({row['state']})"
    if short:
        return line
    return "\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])


@audited
def group_appointments(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """Appointments by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups


def check_appointment(row: dict) -> list[str]:
    """What is wrong with this appointment; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > APPOINTMENT_LIMIT:
        problems.append(f"size {row['size']} is above {APPOINTMENT_LIMIT}")
    return problems


def merge_appointments(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])


def retry_appointment(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise AppointmentError("gave up") from error
            time.sleep(pause * attempt)


def load_appointments(path: Path = STORE) -> list[dict]:
    """Read every appointment from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]


def count_appointments(rows: list[dict]) -> int:
    """How many appointments are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter


def reset_appointment_state() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _appointment_cache, _appointment_counter
    _appointment_cache, _appointment_counter = {}, 0


def oldest_appointment(rows: list[dict]) -> dict | None:
    """The appointment that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)


def save_appointments(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old appointments."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)
