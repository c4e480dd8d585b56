"""A small Python code base: the scripts behind the portal. Made to be read and asked about, not to be run."""

from dataclasses import dataclass
from random import Random
from string import Template

from making.world import rng_for

FOLDER = "records/code"
MODULES = {  # module -> what it deals with
    "appointments": "appointment",
    "archive": "box",
    "billing": "invoice",
    "rota": "shift",
    "labels": "label",
    "laboratory": "sample",
    "letters": "letter",
    "reminders": "reminder",
    "rooms": "room",
    "scanner": "page",
    "sessions": "session",
    "statements": "statement",
    "stock": "article",
    "tasks": "task",
}
SESSION_MINUTES = 25

_HEAD = Template('''"""${Noun}s: read, check, change and pass them on. Part of the portal's scripts."""

import json
import time
from pathlib import Path

from portal.audit import audited
from portal.errors import PortalError

STORE = Path("/srv/portal/${module}.json")
${constant} = ${value}
_${noun}_cache: dict[str, dict] = {}
_${noun}_counter = 0


class ${Noun}Error(PortalError):
    """The ${noun} could not be ${verb}."""
''')

_PLAIN = {
    "load_${noun}s": '''(path: Path = STORE) -> list[dict]:
    """Read every ${noun} from the store; an absent store holds none."""
    if not path.exists():
        return []
    with path.open() as file:
        rows = json.load(file)
    return [row for row in rows if row.get("state") != "removed"]
''',
    "save_${noun}s": '''(rows: list[dict], path: Path = STORE) -> None:
    """Write through a temporary file, so that a crash leaves the old ${noun}s."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(rows, indent=1, sort_keys=True))
    temporary.replace(path)
''',
    "find_${noun}": '''(rows: list[dict], key: str) -> dict:
    """The ${noun} with this key."""
    for row in rows:
        if row["key"] == key:
            return row
    raise ${Noun}Error(f"no ${noun} {key}")
''',
    "check_${noun}": '''(row: dict) -> list[str]:
    """What is wrong with this ${noun}; an empty list if nothing is."""
    problems = []
    for name in ("key", "state", "owner"):
        if not row.get(name):
            problems.append(f"{name} is missing")
    if row.get("size", 0) > ${constant}:
        problems.append(f"size {row['size']} is above {${constant}}")
    return problems
''',
    "oldest_${noun}": '''(rows: list[dict]) -> dict | None:
    """The ${noun} that has been there longest."""
    # Rows without a date come from the import and count as new.
    dated = [row for row in rows if row.get("created")]
    return min(dated, key=lambda row: row["created"], default=None)
''',
    "describe_${noun}": '''(row: dict, *, short: bool = False) -> str:
    """One line for the list, or a few for the detail page."""
    line = f"${noun} {row['key']} ({row['state']})"
    if short:
        return line
    return "\\n".join([line, *(f"  {name}: {value}" for name, value in sorted(row.items()))])
''',
    "group_${noun}s": '''(rows: list[dict], by: str = "owner") -> dict[str, list[dict]]:
    """${Noun}s by one of their fields."""
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(str(row.get(by, "")), []).append(row)
    return groups
''',
    "retry_${noun}": '''(action, attempts: int = 3, pause: float = 0.5):
    """Call until it works; the last error is the one that is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except OSError as error:
            if attempt == attempts:
                raise ${Noun}Error("gave up") from error
            time.sleep(pause * attempt)
''',
    "merge_${noun}s": '''(ours: list[dict], theirs: list[dict]) -> list[dict]:
    """The newer of each pair wins; on a tie, ours."""
    merged = {row["key"]: row for row in theirs}
    for row in ours:
        other = merged.get(row["key"])
        if other is None or row["changed"] >= other["changed"]:
            merged[row["key"]] = row
    return sorted(merged.values(), key=lambda row: row["key"])
''',
}
_GLOBAL = {
    "refresh_${noun}_cache": '''() -> None:
    """Read all ${noun}s again."""
    global _${noun}_cache
    _${noun}_cache = {row["key"]: row for row in load_${noun}s()}
''',
    "next_${noun}_number": '''() -> int:
    """A number that no other ${noun} has in this process."""
    global _${noun}_counter
    _${noun}_counter += 1
    return _${noun}_counter
''',
    "reset_${noun}_state": '''() -> None:
    """Back to the beginning, between two runs of the nightly job."""
    global _${noun}_cache, _${noun}_counter
    _${noun}_cache, _${noun}_counter = {}, 0
''',
}
# Looks like a change of global state, and is none: the name is local.
_DECOY = {
    "count_${noun}s": '''(rows: list[dict]) -> int:
    """How many ${noun}s are live; the module's own counter stays as it is."""
    counter = 0
    for row in rows:
        counter += row.get("state") == "live"
    return counter
''',
}


@dataclass(frozen=True)
class Function:
    path: str
    name: str
    audited: bool
    writes_global: bool


@dataclass(frozen=True)
class CodeBase:
    files: dict[str, str]
    functions: tuple[Function, ...]


def make_code() -> CodeBase:
    rng = rng_for("code")
    files: dict[str, str] = {}
    functions: list[Function] = []
    for module, noun in MODULES.items():
        path = f"{FOLDER}/{module}.py"
        words = {"module": module, "noun": noun, "Noun": noun.capitalize()}
        constant, value = f"{noun.upper()}_LIMIT", rng.randrange(20, 900, 10)
        if module == "sessions":
            constant, value = "SESSION_MINUTES", SESSION_MINUTES
        words |= {"constant": constant, "value": str(value), "verb": rng.choice(("read", "stored", "found", "matched"))}
        text = [_HEAD.substitute(words)]
        for name, body, writes_global in _functions(rng):
            function = Function(path, Template(name).substitute(words), rng.random() < 0.3, writes_global)
            decorator = "@audited\n" if function.audited else ""
            text.append(f"{decorator}def {function.name}{Template(body).substitute(words)}")
            functions.append(function)
        files[path] = "\n\n".join(text)
    return CodeBase(files, tuple(functions))


def _functions(rng: Random) -> list[tuple[str, str, bool]]:
    """Name, body, and whether it writes a global: the same kinds in each module, not all of them, in its own order."""
    chosen = [(*item, False) for item in [*_PLAIN.items(), *_DECOY.items()] if rng.random() < 0.85]
    chosen += [(*item, True) for item in _GLOBAL.items() if rng.random() < 0.55]
    return rng.sample(chosen, len(chosen))
