"""What a server adds to a question: `python benchmarks/overhead.py`.

Asks the same question over the same text in turn: in this process, and of `rlm-local serve` in another. Reports, as
JSON, seconds until the root node begins, which is the first thing that happens in a run, and their difference pair by
pair; and seconds until the server's first event, which is that the question is in the queue.
"""

import argparse
import json
import os
import time
from typing import Any

import httpx2
from served import MODEL, served, spread

from rlm_local import Engine, Event
from rlm_local.models import Cancel

_QUESTION = "Which colour has the gate?"
_TEXT = "The gate is red. The fence is green. "


def main(pairs: int) -> dict[str, Any]:
    first: list[float] = []
    alone: list[float] = []
    asked: list[float] = []
    with served() as server, httpx2.Client(base_url=server.url, timeout=60) as client, Engine(MODEL) as engine:
        file = client.post("/v1/files", files={"file": ("gate.txt", _TEXT.encode())}).json()["id"]
        for _ in range(pairs + 1):
            alone.append(_in_process(engine))
            queued, begun = _of_server(client, file)
            first.append(queued)
            asked.append(begun)
    added = [there - here for here, there in zip(alone[1:], asked[1:], strict=True)]  # the first pair warms up
    return {
        "in_process": spread(alone[1:]),
        "server": spread(asked[1:]),
        "added": spread(added),
        "first_event": spread(first[1:]),
        "load": os.getloadavg(),
    }


def _in_process(engine: Engine) -> float:
    cancel, begun = Cancel(), 0.0
    started = time.monotonic()

    def tell(event: Event) -> None:
        nonlocal begun
        if event.kind == "node":
            begun = time.monotonic() - started
            cancel.cancel()

    engine.ask(_QUESTION, {"gate.txt": _TEXT}, policy="direct", cancel=cancel, listener=tell)
    return begun


def _of_server(client: httpx2.Client, file: str) -> tuple[float, float]:
    """Seconds to the first event, and until the root node began; the run is cancelled, and has ended."""
    started, first, begun = time.monotonic(), 0.0, 0.0
    body = {"question": _QUESTION, "model": "rlm-local:direct", "files": [file]}
    run = client.post("/api/runs", json=body).json()["run_id"]
    with client.stream("GET", f"/api/runs/{run}/events") as events:
        for line in events.iter_lines():
            if line.startswith("event: "):
                first = first or time.monotonic() - started
                if line == "event: node":
                    begun = time.monotonic() - started
                    client.post(f"/api/runs/{run}/cancel")
    return first, begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    print(json.dumps(main(parser.parse_args().pairs), indent=1))
