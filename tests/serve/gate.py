"""A model that takes its time, for what happens in the middle of a run."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import httpx2

from rlm_local.models import Prompt
from tests.engine.script import writer
from tests.serve.conftest import COUNT, QUESTION, Running, StartServer


class Gate:
    """A scripted model that waits before it plans until it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.model = writer(COUNT)
        chosen = self.model.slot

        def slot(prompt: Prompt, text: str, options: Sequence[str]) -> str:
            self.reached.set()
            self.open.wait(30)
            return chosen(prompt, text, options)

        self.model.slot = slot


class Held(NamedTuple):
    """A run that waits before it plans; `gate.open.set()` lets it go."""

    gate: Gate
    server: Running
    client: httpx2.Client
    run: str


@contextmanager
def held(start: StartServer) -> Generator[Held]:
    """A server in the middle of a run."""
    gate = Gate()
    server = start(gate.model)
    with server.client() as client:
        run = client.post("/api/runs", json={"question": QUESTION}).json()["run_id"]
        assert gate.reached.wait(30)
        yield Held(gate, server, client, run)
