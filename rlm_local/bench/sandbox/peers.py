"""What the sandbox is compared with: Node with the same Pyodide, and a plain child Python, which is no sandbox."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from rlm_local.errors import UsageError

_HERE = Path(__file__).parent
PROGRAMS = _HERE / "programs.py"
PYODIDE = "314.0.7"
_NO_CALLS: Mapping[str, Callable[..., Any]] = MappingProxyType({})

# Reads lines of JSON and runs them; `call` asks the parent, as the sandbox's `rlm_host.call` does.
_CHILD = """
import json, sys
def call(name, **arguments):
    print(json.dumps({"call": name, "arguments": arguments}), flush=True)
    return json.loads(sys.stdin.readline())["value"]
for line in sys.stdin:
    exec(json.loads(line)["code"], globals())
    print(json.dumps({"value": None}), flush=True)
"""


class Peers:
    """Which peers there are on this machine.

    Args:
        pyodide: the folder of the npm package `pyodide`, for Node; None without.

    Raises:
        UsageError: the folder is another, or there is no Node to use it.
    """

    def __init__(self, pyodide: Path | None = None) -> None:
        self._pyodide = pyodide
        self._node = shutil.which("node")
        if pyodide is None:
            return
        try:
            version = json.loads((pyodide / "package.json").read_text())["version"]
        except (OSError, ValueError, KeyError, TypeError):
            version = "none"
        if version != PYODIDE:
            remedy = f"`npm install pyodide@{PYODIDE}`, then --pyodide node_modules/pyodide"
            raise UsageError(
                f"{pyodide} holds version {version} of the npm package pyodide, not {PYODIDE}", remedy=remedy
            )
        if self._node is None:
            raise UsageError("there is no `node` on the PATH to run it")

    def node(self) -> "Peer | None":
        """A new Node that loads Pyodide; None without the npm package."""
        if self._pyodide is None or self._node is None:
            return None
        return Peer([self._node, str(_HERE / "node.mjs"), str(self._pyodide.absolute())])

    def python(self) -> "Peer":
        """A new child Python, that reads code and runs it: the floor, without any walls."""
        return Peer([sys.executable, "-I", "-c", _CHILD])


class Peer:
    """A child process that runs code."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603

    def run(self, code: str, calls: Mapping[str, Callable[..., Any]] = _NO_CALLS) -> Any:
        """What Node's Pyodide gives the code as its value; `calls` are what a child Python can call. Raises
        RuntimeError."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018, S101
        self._send({"code": code})
        while line := self._process.stdout.readline():
            answer = json.loads(line)
            if "call" not in answer:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["value"]
            self._send({"value": calls[answer["call"]](**answer["arguments"])})
        raise RuntimeError("the peer has ended")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(f"{json.dumps(message)}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
