"""The sandbox's walls behind WebAssembly: that one is missing is said once on each machine, or all are required."""

import platform
from pathlib import Path

from rlm_local.cli.shared import Shared
from rlm_local.cli.terminal import complain
from rlm_local.errors import UsageError


def look_at_walls(use: Shared, *, required: bool) -> None:
    """Looks which walls there are, in a child process, where that was not done under this kernel before.

    Raises:
        UsageError: one is missing, and all are required.
    """
    told, kernel = use.home.walls, platform.version()
    if not required and _read(told) == kernel:
        return
    missing = ", ".join(name.replace("_", " ") for name, granted in use.protections().items() if not granted)
    if missing and required:
        raise UsageError(
            f"this kernel does not grant the sandbox all of its walls: {missing}",
            remedy="Run it where they are granted, or without --require-walls: WebAssembly's own walls stand",
        )
    if missing:
        complain(f"this kernel does not grant the sandbox {missing}; WebAssembly's own walls stand")
    told.write_text(kernel)


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
