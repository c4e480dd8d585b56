"""Attacks on a server, all at once: `python benchmarks/attack.py --seconds 60`.

Starts `rlm-local serve` with a small model in a state directory of its own. One key's owner does all that is known
to hurt a server: 300 clients that send or read as slowly as they can, 50 that ask and take it back, schemas and bodies
that stand for far more than they say, and documents that are made to be costly. Another's asks as usual, beside it.

Reports, as JSON: seconds of `/health` as a process of its own sees them, before and during the attack, and beside them
those of a bare server that nobody attacks, which is what the machine itself takes; the other owner's answers, and those
that were lost or somebody else's; what the attackers were told; the most memory of the server, in megabytes, alone and
with its processes; and the runs that were accepted and have no end in the log.
"""

import argparse
import asyncio
import gzip
import http.client
import io
import itertools
import json
import math
import multiprocessing
import os
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Coroutine, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from load import Seen, ask_until, asking, stream
from served import served, spread

from rlm_local.serve.audit import AuditLog
from rlm_local.serve.keys import KeyRing, Scope
from rlm_local.serve.state import open_state

_SLOW, _CANCELS, _OTHERS = 300, 50, 4
_QUIET = 10.0
"""Seconds of watching before the attack begins."""
_EVERY = 0.05
_WAIT = 120.0
"""Seconds for the runs to end, once nobody attacks any more."""
_UNDER_WAY = ("queued", "running")
_SHARES = {"median": 0.5, "p99": 0.99, "most": 1.0}


@dataclass
class Attack:
    """What the attackers did, and were told."""

    client: httpx2.AsyncClient
    end: float
    file: str
    """One that it has uploaded."""
    told: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    runs: list[str] = field(default_factory=list[str])

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.end

    def note(self, what: str, told: object) -> None:
        self.told.setdefault(what, Counter())[str(told)] += 1


async def main(seconds: float, model: str) -> dict[str, Any]:
    context, bodies, files = multiprocessing.get_context("spawn"), bombs(), documents()
    with (
        served(model=model) as server,
        bare(context) as beside,
        ProcessPoolExecutor(1, mp_context=context) as watcher,
    ):
        with closing(open_state(server.home)) as state:
            keys = [KeyRing(state).make(name, [Scope.ASK, Scope.READ])[1] for name in ("attacker", "other")]
        loop, urls = asyncio.get_running_loop(), {"health": server.url, "bare": beside}
        quiet = await loop.run_in_executor(watcher, watch, urls, _QUIET)
        async with asking(server.url, keys[0]) as attacker, asking(server.url, keys[1]) as other:
            sent = await attacker.post("/v1/files", files={"file": ("word.txt", b"The word of the day is late.")})
            end = time.monotonic() + seconds
            attack, seen, most = Attack(attacker, end, sent.json()["id"]), Seen(), [0]
            watched = loop.run_in_executor(watcher, watch, urls, seconds)
            async with asyncio.TaskGroup() as tasks:
                for doing in attackers(attack, server.url, bodies, files):
                    tasks.create_task(until(end, doing))
                for number in range(_OTHERS):
                    tasks.create_task(ask_until(other, number, end, seen))
                tasks.create_task(measure(server.pid, end, most))
                tasks.create_task(give_up(attack))
            lost = await without_end(attacker, attack.runs)
        verdict = AuditLog.of(server.home).verify()
        return {
            "seconds": seconds,
            "before": {name: slow_end(took) for name, took in quiet.items()},
            "attacked": {name: slow_end(took) for name, took in (await watched).items()},
            "others": {"answers": seen.answers, "wrong": seen.wrong, "refused": seen.refused, **spread(seen.whole)},
            "attackers": attack.told,
            "megabytes": {"server": _kilobytes(server.pid, "status", "VmHWM") >> 10, "with its processes": most[0]},
            "runs": len(attack.runs) + seen.answers,
            "lost": lost,
            "audit": [verdict.lines, *map(str, verdict.problems)],
            "load": os.getloadavg(),
        }


def attackers(
    attack: Attack, url: str, bodies: dict[str, bytes], files: dict[str, bytes]
) -> Iterable[Coroutine[Any, Any, None]]:
    yield from (crawl(attack, url, number) for number in range(_SLOW))
    yield from (take_back(attack, number) for number in range(_CANCELS))
    yield from (send(attack, name, body) for name, body in bodies.items())
    yield from (ask_about(attack, name, data) for name, data in files.items())


async def until(end: float, doing: Coroutine[Any, Any, None]) -> None:
    """Breaks off what an attacker is doing when the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(end):
            await doing


def watch(urls: dict[str, str], seconds: float) -> dict[str, list[float]]:
    """Seconds that each look at `/health` of some servers took, in turn; infinite where there was no answer."""
    end, took = time.monotonic() + seconds, {name: list[float]() for name in urls}
    while time.monotonic() < end:
        for name, url in urls.items():
            took[name].append(look(url))
            time.sleep(_EVERY)
    return took


def look(url: str) -> float:
    address, began = urlsplit(url), time.monotonic()
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)) as connection:
        try:
            connection.request("GET", "/health")
            well = connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            well = False
    return time.monotonic() - began if well else math.inf


@contextmanager
def bare(context: SpawnContext) -> Generator[str]:
    """The address of a server that says yes to everything, in a process of its own."""
    ours, theirs = context.Pipe()
    process = context.Process(target=say_yes, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()


def say_yes(told: "Connection[int, None]") -> None:
    """Until it is killed; the port is told."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
        writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(listen())


async def crawl(attack: Attack, url: str, number: int) -> None:
    """A client that sends nothing, half a head, or a body a byte at a time, or does not read."""
    address = urlsplit(url)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    kinds = {
        "nothing": (b"", b""),
        "half a head": (head, b"X"),
        "half a body": (head + b"Content-Length: 100000\r\n\r\n", b" "),
        "half of chunks": (head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        "no reading": (b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50, b""),
    }
    kind, (first, more) = list(kinds.items())[number % len(kinds)]
    while attack.goes_on:
        began = time.monotonic()
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1)
            try:
                writer.write(first)
                while attack.goes_on and not reader.at_eof() and not writer.is_closing():
                    await asyncio.sleep(1 + number / _SLOW)
                    writer.write(more)
                    if kind != "no reading":
                        with suppress(TimeoutError):
                            await asyncio.wait_for(reader.read(1), 0.01)
            finally:
                writer.transport.abort()
        attack.note(f"slow: {kind}", f"dropped after {10 * round((time.monotonic() - began) / 10)} s")


async def take_back(attack: Attack, number: int) -> None:
    """Asks, and goes away or cancels as soon as there is a run."""
    for turn in itertools.takewhile(lambda _: attack.goes_on, itertools.count()):
        if number % 2:
            run, _, _ = await stream(attack.client, f"attacker {number}, turn {turn}?", True, Seen())
            attack.note("ask and go away", "accepted" if run else "refused")
            attack.runs += [run] * bool(run)
        elif run := await ask(attack, "ask and cancel", {"question": f"What is {turn}?", "files": [attack.file]}):
            await asyncio.sleep(turn % 5 / 5)
            await attack.client.post(f"/api/runs/{run}/cancel")
        await asyncio.sleep(0.5)


async def ask(attack: Attack, what: str, body: dict[str, Any]) -> str:
    """The run; empty where the server refused."""
    response = await attack.client.post("/api/runs", json=body)
    attack.note(what, response.status_code)
    run = response.json().get("run_id", "")
    attack.runs += [run] * bool(run)
    return run


async def send(attack: Attack, name: str, body: bytes) -> None:
    """Sends the same body again and again."""
    while attack.goes_on:
        headers = {"content-type": "application/json"}
        response = await attack.client.post("/v1/chat/completions", content=body, headers=headers)
        attack.note(f"body: {name}", response.status_code)
        if response.status_code == 200:
            attack.runs.append(response.json()["rlm_local"]["run_id"])
        await asyncio.sleep(0.2)


async def ask_about(attack: Attack, name: str, data: bytes) -> None:
    """Has the same file read again and again."""
    while attack.goes_on:
        file = (await attack.client.post("/v1/files", files={"file": (name, data)})).json()["id"]
        run = await ask(attack, f"document: {name}", {"question": "What is said?", "files": [file], "timeout": 30})
        while run and attack.goes_on and await state_of(attack.client, run) in _UNDER_WAY:
            await asyncio.sleep(0.5)
        await asyncio.sleep(0.5)


async def give_up(attack: Attack) -> None:
    """Cancels what still goes on at the end."""
    while attack.goes_on:
        await asyncio.sleep(0.1)
    at_once = asyncio.Semaphore(_CANCELS)

    async def cancel(run: str) -> None:
        async with at_once:
            await attack.client.post(f"/api/runs/{run}/cancel")

    await asyncio.gather(*map(cancel, attack.runs))


async def state_of(client: httpx2.AsyncClient, run: str) -> str:
    return (await client.get(f"/api/runs/{run}")).json()["state"]


async def without_end(client: httpx2.AsyncClient, runs: Iterable[str]) -> dict[str, str]:
    """The runs of which the server knows no end after a while, and what it says of them."""
    lost, end = dict[str, str](), time.monotonic() + _WAIT
    for run in runs:
        while (state := await state_of(client, run)) in _UNDER_WAY and time.monotonic() < end:
            await asyncio.sleep(0.2)
        if state in (*_UNDER_WAY, "interrupted"):
            lost[run] = state
    return lost


def bombs() -> dict[str, bytes]:
    """Bodies that stand for more than they say."""
    doubled = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(60)}
    schemas: dict[str, Any] = {
        "doublings": {"$ref": "#/$defs/a0", "$defs": {**doubled, "a60": {"type": "integer"}}},
        "cycle": {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
        "lengths": {"type": "array", "minItems": 10**9, "items": {"type": "string", "minLength": 10**9}},
        "pattern": {"type": "string", "pattern": "((((a{99}){99}){99}){99})*(a*)*b"},
        "names": {"type": "object", "properties": {f"p{n}": {"type": "integer"} for n in range(20_000)}},
    }
    message = {"role": "user", "content": "What is the word of the day? It is late."}
    made = {
        f"schema of {name}": {
            "messages": [message],
            "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
        }
        for name, schema in schemas.items()
    }
    return {
        **{name: json.dumps(body).encode() for name, body in made.items()},
        "brackets": b'{"messages": ' + b"[" * 8_000_000,
        "zeros": b'{"messages": [' + b"0," * 8_000_000 + b"0]}",
        "escapes": b'{"messages": "' + b"\\u0000" * 4_000_000 + b'"}',
    }


def documents() -> dict[str, bytes]:
    """Files that take more time or memory than they are long, if they may."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.txt", b"0" * (50 << 20))
    inside = io.BytesIO()
    with tarfile.open(fileobj=inside, mode="w:gz") as archive:
        for number in range(20_000):
            archive.addfile(tarfile.TarInfo(f"{number}.txt"))
    return {
        "unpacks.zip": packed.getvalue(),
        "many.tar.gz": inside.getvalue(),
        "zeros.txt.gz": gzip.compress(b"0" * (200 << 20), 1),
        "deep.json": b"[" * 1_000_000,
        "wide.csv": b"a," * 1_000_000 + b"\n" + b"1," * 1_000_000,
        "tags.html": b"<table><tr><td>" * 200_000,
        "quotes.csv": b'a,"b\n' * 500_000,
        "pairs.log": b"".join(b"2024-05-01 10:00:00 INFO k%d=%d w%d\n" % (n, n, n) for n in range(50_000)),
        "marks.md": b"|-" * 1_000_000,
    }


async def measure(pid: int, end: float, most: list[int]) -> None:
    """The most megabytes of a process and its children; what they share counts once."""
    while time.monotonic() < end:
        await asyncio.sleep(1)
        sizes = [_kilobytes(each, "smaps_rollup", "Pss") for each in _family(pid)]
        most[0] = max(most[0], sum(sizes) >> 10)


def _family(pid: int) -> list[int]:
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [each for child in (task / "children").read_text().split() for each in _family(int(child))]
    return found


def _kilobytes(pid: int, file: str, name: str) -> int:
    """Of a process; 0 where it is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/{file}").read_text().partition(f"{name}:")[2].split()[0])
    return 0


def slow_end(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {
        "n": len(ordered),
        "unanswered": ordered.count(math.inf),
        **{name: round(ordered[int(share * (len(ordered) - 1))], 4) for name, share in _SHARES.items()},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(main(given.seconds, given.model)), indent=1))
