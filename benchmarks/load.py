"""Many clients at once: `python benchmarks/load.py --seconds 60`.

Starts `rlm-local serve` with the smallest model in a state directory of its own, and lets clients ask, each about a
text that only it has sent. Reports, as JSON: answers, those that were lost or belong to another client (there must be
none), seconds to the first event, seconds to the answer, seconds from a client's going away until its run has ended,
and the server's memory at the start and at the end.
"""

import argparse
import asyncio
import json
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from served import served, spread

_LEAVES = 0.1
"""The share of questions whose client goes away after the first event."""


@dataclass
class Seen:
    """What all clients saw."""

    answers: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list[str])
    first: list[float] = field(default_factory=list[float])
    whole: list[float] = field(default_factory=list[float])
    freed: list[float] = field(default_factory=list[float])


async def main(clients: int, seconds: float) -> dict[str, Any]:
    with served("--per-key", str(clients)) as server:
        async with asking(server.url) as client:
            seen, before = Seen(), _memory(server.pid)
            end = time.monotonic() + seconds
            await asyncio.gather(*(ask_until(client, number, end, seen) for number in range(clients)))
            after = _memory(server.pid)
            metrics = (await client.get("/metrics")).text
    left = [line for line in metrics.splitlines() if line.startswith(("rlm_local_queue ", "rlm_local_sessions "))]
    return {
        "clients": clients,
        "seconds": seconds,
        "answers": seen.answers,
        "refused": seen.refused,
        "wrong": seen.wrong,
        "first_event": spread(seen.first),
        "answer": spread(seen.whole),
        "freed_after_leaving": spread(seen.freed),
        "megabytes": [before, after],
        "left": left,
        "load": os.getloadavg(),
    }


def asking(url: str, key: str = "") -> httpx2.AsyncClient:
    """A client that waits, and may open as many connections as it likes."""
    return httpx2.AsyncClient(
        base_url=url,
        timeout=httpx2.Timeout(600),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        headers={"authorization": f"Bearer {key}"} if key else {},
    )


async def ask_until(client: httpx2.AsyncClient, number: int, end: float, seen: Seen) -> None:
    """Asks one question after another, until a time on the monotonic clock."""
    chance, turn = random.Random(number), 0
    while time.monotonic() < end:
        turn += 1
        about = f"client {number}, turn {turn}?"
        leaves = chance.random() < _LEAVES
        started = time.monotonic()
        run, text, done = await stream(client, about, leaves, seen)
        if not run:
            seen.refused += 1
            await asyncio.sleep(1)
        elif leaves:
            await _freed(client, run, seen)
        else:
            seen.whole.append(time.monotonic() - started)
            known = (await client.get(f"/api/runs/{run}")).json()
            if not done or about not in known["question"] or known["answer"] != text:
                seen.wrong.append(about)
            seen.answers += 1


async def stream(client: httpx2.AsyncClient, about: str, leaves: bool, seen: Seen) -> tuple[str, str, bool]:
    """The run, the text, and whether the stream came to its end; no run where the server refused."""
    content = [
        {"type": "text", "text": f"The word of the day of {about} is a{abs(hash(about))}. " * 5},
        {"type": "text", "text": f"What is the word of the day of {about}"},
    ]
    body = {"model": "rlm-local:direct", "messages": [{"role": "user", "content": content}], "stream": True}
    started, run, text = time.monotonic(), "", ""
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.status_code == 429:
            return "", "", False
        async for line in response.aiter_lines():
            if line == "data: [DONE]":
                return run, text, True
            if line.startswith("data: "):
                chunk = json.loads(line[6:])
                if not run:
                    seen.first.append(time.monotonic() - started)
                    run = chunk["id"].removeprefix("chatcmpl-")
                text += "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", ()))
                if leaves:
                    break
    return run, text, False


async def _freed(client: httpx2.AsyncClient, run: str, seen: Seen) -> None:
    left = time.monotonic()
    while (await client.get(f"/api/runs/{run}")).json()["state"] in ("queued", "running"):
        await asyncio.sleep(0.02)
    seen.freed.append(time.monotonic() - left)


def _memory(pid: int) -> int:
    """Megabytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(main(given.clients, given.seconds)), indent=1))
