"""A server in a process and a state directory of its own, with a small model, for what measures it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from rlm_local.home import Home

MODEL = "smollm2-135m"


@dataclass(frozen=True)
class Served:
    url: str
    pid: int
    home: Home


@contextmanager
def served(*options: str, model: str = MODEL) -> Generator[Served]:
    """`rlm-local serve OPTIONS`, ready to answer."""
    with tempfile.TemporaryDirectory() as folder:
        borrow(Path(folder))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "rlm_local", "serve", "--port", str(port), "--model", model, "--grace", "0"]
        server = subprocess.Popen(  # noqa: S603  our own program
            [*command, *options],
            env={**os.environ, "RLM_LOCAL_HOME": folder, "OMP_WAIT_POLICY": "passive"},
            stderr=subprocess.DEVNULL,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx2.Client() as client:
                while not _ready(client, url):
                    time.sleep(0.2)
            yield Served(url, server.pid, Home(Path(folder)))
        finally:
            server.terminate()
            server.wait()


def borrow(folder: Path) -> None:
    """Gives a state directory the weights, the library and the image of the usual one."""
    for name in ("models", "native", "image"):
        (folder / name).symlink_to(Home.default().root / name)


def _ready(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/ready").status_code == 200
    except httpx2.TransportError:
        return False


def spread(values: list[float]) -> dict[str, float]:
    """Of seconds: how many, the middle, and the slow end."""
    if not values:
        return {"n": 0}
    ordered = sorted(values)
    named = {"median": ordered[len(ordered) // 2], "p95": ordered[int(0.95 * (len(ordered) - 1))], "max": ordered[-1]}
    return {"n": len(values), **{name: round(value, 4) for name, value in named.items()}}
