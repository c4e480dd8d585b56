"""Starts the zygote: Python in a child process, without this process's environment, signals and files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import wasmtime

_PACKAGES = (Path(__file__).parents[1], Path(str(wasmtime.__file__)).parents[1])
_COMMAND = [sys.executable, "-S", "-P", "-m", "rlm_sandbox.zygote"]
_ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(map(str, _PACKAGES)), "PYTHONDONTWRITEBYTECODE": "1"}


def start_zygote(descriptor: int, log: int) -> "subprocess.Popen[bytes]":
    """Starts a zygote that uses the socket `descriptor`, and writes errors before that to `log`."""
    return subprocess.Popen(  # noqa: S603
        [*_COMMAND, str(descriptor), str(os.getpid())],
        env=_ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[descriptor],
        start_new_session=True,
    )


def capabilities() -> dict[str, bool]:
    """Which protections the kernel grants the sandbox on this machine, tried in a child process."""
    done = subprocess.run(_COMMAND, env=_ENVIRONMENT, check=True, capture_output=True, stdin=subprocess.DEVNULL)  # noqa: S603
    return json.loads(done.stdout)
