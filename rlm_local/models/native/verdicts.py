"""What trials found on this machine, kept in the state directory, so that a start need not try again."""

import hashlib
import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlm_local.models.native.library import Library
from rlm_local.models.native.trial import VERSION, Verdict


class Verdicts:
    """Verdicts by what they depend on: the library's files and use, the processor, the bindings, the trial.

    Args:
        path: a JSON file; a damaged one is begun anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, library: Library) -> Verdict | None:
        kept = self._read().get(_key(library))
        try:
            return None if kept is None else Verdict(**kept)
        except TypeError:
            return None

    def put(self, library: Library, verdict: Verdict) -> None:
        kept = {**self._read(), _key(library): asdict(verdict)}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(kept, indent=1))
        new.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return {}


def _key(library: Library) -> str:
    parts = (library.fingerprint, _processor(), version("llama-cpp-python"), VERSION)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _processor() -> str:
    """What kind of processor this is, and which instructions the system lets it have."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    told = ("model name", "flags", "Features", "CPU part")
    return repr(sorted({line for line in lines if line.startswith(told)}))
