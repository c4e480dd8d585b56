"""A server that is running, asked as if it were an engine: `rlm-local run --server URL`."""

import io
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx2

from rlm_local.collection.beneath import open_below, open_root
from rlm_local.collection.errors import NothingReadableError
from rlm_local.collection.scan import Found, Scan
from rlm_local.engine.answer import Answer
from rlm_local.engine.events import Event, Listener
from rlm_local.engine.notes import Length
from rlm_local.errors import RlmLocalError, UsageError
from rlm_local.models import Cancel

_CONNECT_SECONDS = 10.0


class ServerError(RlmLocalError):
    """The server cannot be reached, or does not answer."""


class RemoteEngine:
    """The part of `Engine` that the commands use, at a server's. A context manager.

    Args:
        url: of the server, as it prints it.
        key: that it takes; none where it needs none.
        model: a name of the server's; its own by default.
        listener: told what happens in a run.
    """

    def __init__(self, url: str, key: str | None, model: str | None, listener: Listener) -> None:
        self._url, self._model, self._tell = url.rstrip("/"), model or "rlm-local", listener
        headers = {"authorization": f"Bearer {key}"} if key else {}
        timeout = httpx2.Timeout(None, connect=_CONNECT_SECONDS)
        self._client = httpx2.Client(base_url=self._url, headers=headers, timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(
        self,
        question: str,
        sources: Sequence[str | Path] | Mapping[str, str],
        *,
        author: Literal["programs", "free"] | None = None,
        policy: str | None = None,
        price: str | None = None,
        schema: Mapping[str, Any] | None = None,
        length: Length | None = None,
        max_tokens: int | None = None,
        max_calls: int | None = None,
        timeout: float | None = None,
        task_id: str | None = None,
        cancel: Cancel | None = None,
    ) -> Answer:
        """Uploads what the question is over, where the server has not got it, and asks; as `Engine.ask`.

        Raises:
            UsageError: an option that a server does not take, or what the server finds wrong.
            ServerError: it cannot be reached, or fails.
            CollectionError: a path is not there, or nothing can be read.
        """
        if author or task_id or schema or length or (policy and price):
            raise UsageError(
                "a server takes a policy or the name of a price, and none of the other options about how to answer",
                remedy="Leave out --author, --schema and --length, and one of --policy and --price",
            )
        named = policy or price
        limits = {"max_tokens": max_tokens, "max_calls": max_calls, "timeout": timeout}
        body = {
            "question": question,
            "model": f"{self._model}:{named}" if named else self._model,
            "files": self._upload(sources),
            **{name: value for name, value in limits.items() if value is not None},
        }
        run = self._call("POST", "/api/runs", json=body)["run_id"]
        release = cancel.on_cancel(lambda: self._cancel(run)) if cancel else None
        try:
            return self._follow(run)
        finally:
            if release:
                release()

    def _upload(self, sources: Sequence[str | Path] | Mapping[str, str]) -> list[str]:
        files = list(_files(sources))
        ids: list[str] = []
        for number, (name, content) in enumerate(files):
            self._tell(Event("setup", "sending the documents to the server", number / len(files)))
            data = _read(content) if isinstance(content, Found) else content.encode("utf-8", "replace")
            if data.strip():
                upload = {"file": (name, io.BytesIO(data))}
                ids.append(self._call("POST", "/v1/files", files=upload, data={"purpose": "user_data"})["id"])
        if not ids:
            raise NothingReadableError("there is nothing to send", remedy="Give text files, or a folder of them")
        return ids

    def _follow(self, run: str) -> Answer:
        """What happens in the run, told as it comes; a connection that breaks is made again."""
        last, failures = 0, 0
        while True:
            try:
                with self._client.stream(
                    "GET", f"/api/runs/{run}/events", headers={"last-event-id": str(last)}
                ) as said:
                    if said.status_code != 200:
                        said.read()
                        raise _error(said)
                    for id_, kind, data in _events(said.iter_lines()):
                        last, failures = id_ or last, 0
                        if kind == "ended":
                            return _outcome(data)
                        if "text" in data:
                            self._tell(Event(**data))
            except httpx2.TransportError as error:
                failures += 1
                if failures > 5:
                    raise self._unreachable(error) from error
                threading.Event().wait(failures)

    def _cancel(self, run: str) -> None:
        with suppress(RlmLocalError):
            self._call("POST", f"/api/runs/{run}/cancel")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            said = self._client.request(method, path, **options)
        except (httpx2.TransportError, httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise self._unreachable(error) from error
        if not said.is_success:
            raise _error(said)
        return said.json()

    def _unreachable(self, error: Exception) -> ServerError:
        return ServerError(
            f"the server {self._url} cannot be reached: {error}", remedy="Is it running? It prints its address"
        )


def _files(sources: Sequence[str | Path] | Mapping[str, str]) -> Iterator[tuple[str, Found | str]]:
    """What is to be sent, by name: a file, or a text."""
    if isinstance(sources, Mapping):
        yield from sources.items()
        return
    if "-" in map(str, sources):
        yield "stdin", sys.stdin.read()
    for found in Scan([Path(path) for path in sources if str(path) != "-"]):
        yield found.name, found


def _read(found: Found) -> bytes:
    """A file's bytes; none of one that is gone, or that was swapped for something else meanwhile."""
    root = open_root(found.root)
    try:
        with os.fdopen(open_below(root, found.steps), "rb") as file:
            return file.read()
    except OSError:
        return b""
    finally:
        os.close(root)


def _events(lines: Iterator[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    id_, kind = 0, ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            id_ = int(value)
        elif name == "event":
            kind = value
        elif name == "data":
            yield id_, kind, json.loads(value)


def _outcome(data: dict[str, Any]) -> Answer:
    if data["answer"]:
        return Answer.of(data["answer"])
    error = data["error"] or {"message": "the run did not come to its end"}
    raise ServerError(error["message"])


def _error(said: httpx2.Response) -> RlmLocalError:
    """What the server said about a request that it did not answer."""
    try:
        message = str(said.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {said.status_code}"
    wrong = said.status_code in (400, 401, 403, 404, 413)
    return UsageError(message) if wrong else ServerError(message)
