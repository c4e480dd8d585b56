"""The trial of a library: a process of its own loads it and decodes a few tokens of made weights.

A library with an instruction that this processor does not take ends its process with a signal and not a word. Better
that of a child than that of a person's question.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rlm_local.models.native.library import Library

VERSION = 1
"""Of the trial: what was found by another is found anew."""

EXPECTED = (
    (-0.129, 0.111, -1.043, 0.427, 0.174, -2.110, 0.215, 1.277),
    (1.240, 0.049, -1.365, -0.888, -0.704, 1.991, 0.746, -0.948),
)
"""The first logits after the prompt, and after one more token in a sequence that shares it."""

_CHILD = "rlm_local.models.native.child"
_TOLERANCE = 0.25
"""Logits are some 1.1 wide. Kernels for processors agree to 1e-6; exact ones, as for GPUs, are up to 0.08 off these,
which come of activations in 8 bits."""
_SECONDS = 180.0  # a GPU's driver may compile first

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Verdict:
    """What a trial found.

    Attributes:
        reason: why the library is not to be used; empty where it works.
        variant: the kind of processor whose build was taken; empty where there is one for all.
        devices: other devices than the processor that it computes on.
        refused: whether it is no library for this machine or these bindings, however it is used.
    """

    reason: str = ""
    variant: str = ""
    devices: int = 0
    refused: bool = False

    @property
    def works(self) -> bool:
        return not self.reason


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    # The child imports what this process imports, from wherever that is.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(  # noqa: S603 - this very program
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )


def attempt(library: Library, run: Run = _run) -> Verdict:
    """Try the library, half a second. `run` runs the child."""
    asked = json.dumps([str(library.folder), library.origin, library.variant, library.extra_buffers])
    try:
        done = run([sys.executable, "-m", _CHILD, asked])
    except subprocess.TimeoutExpired:
        return Verdict(f"did not end within {_SECONDS:.0f} s")
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = {key: value for each in said for key, value in each.items()}
    devices = found.get("devices", 0)
    reason, refused = _reason(done, found), "error" in found
    if not reason and library.for_device and not devices:
        reason, refused = "finds no device here", True
    return Verdict(reason, found.get("variant", library.variant), devices, refused)


def _reason(done: "subprocess.CompletedProcess[str]", found: dict[str, Any]) -> str:
    """Why the library is not to be used; empty where it is."""
    if done.returncode < 0:
        return f"died of {signal.Signals(-done.returncode).name}"
    if "error" in found:
        return str(found["error"])
    if "logits" not in found:
        return f"ended with status {done.returncode}: {done.stderr.strip().rpartition(chr(10))[2]}"
    given, expected = (list(chain.from_iterable(rows)) for rows in (found["logits"], EXPECTED))
    off = [abs(one - other) for one, other in zip(given, expected, strict=True)]
    wrong = [each for each in off if not each < _TOLERANCE]  # not a number, either
    return f"computes wrongly: a logit is {max(wrong):.3g} off" if wrong else ""
