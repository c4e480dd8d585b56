"""Server: requests to one OpenAI-compatible server, so many at a time, and again where it asks for patience.

An event loop in a thread of its own; callers wait in theirs, as they do for the scheduler of a model in this process.
A call that is cancelled closes its connections at once, which is how such servers learn of it.
"""

import asyncio
import json
import queue
import random
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import EngineError, ServerError
from rlm_local.models.job import Done, Events, Failed, Text, next_event

_BUSY = frozenset((408, 429, 500, 502, 503, 504))
_LONGEST_PAUSE = 60.0
_SHOWN = 300  # characters of what a server said, in an error

Call = Callable[[Callable[[str], None]], Awaitable[Any]]
"""What is to be done for one prompt; it is given where to put text that comes ahead of the result."""


class Server:
    """One server.

    Args:
        url: of its API, such as http://127.0.0.1:8000/v1.
        key: sent as a bearer token, if any.
        concurrency: the most requests at a time; one of them is kept for urgent calls where there are several.
        patience: tries for one request.
        pause: seconds before the second try, twice as many before each next one.
        timeout: seconds that a reply may take.
    """

    def __init__(
        self, url: str, *, key: str | None, concurrency: int, patience: int, pause: float, timeout: float
    ) -> None:
        self._url = url.rstrip("/")
        self._patience, self._pause = patience, pause
        self._closed = False
        self._slots = asyncio.Semaphore(concurrency)
        self._unhurried = asyncio.Semaphore(max(1, concurrency - 1))
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0), pool=None),
            limits=httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            trust_env=False,  # documents go to this address, and through nobody's proxy
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._thread.start()

    def run(self, calls: Sequence[Call], cancel: Cancel | None) -> Generator[Done | Text]:
        """Do calls side by side and yield what they give, as it comes, in the caller's thread.

        The first that fails fails all of them; a generator that is closed early abandons what is not done.

        Raises:
            Cancelled: by `cancel`, at once.
            DeadlineExceeded: likewise.
            ServerError: the server is gone or refuses.
        """
        if cancel is not None:
            cancel.check()
        if self._closed:
            raise EngineError("the engine is closed")
        events: Events = queue.SimpleQueue()
        work = asyncio.run_coroutine_threadsafe(_all(calls, events), self._loop)
        forget = cancel.on_cancel(lambda: events.put(None)) if cancel is not None else None
        try:
            missing = len(calls)
            while missing:
                event = next_event(events, cancel)
                if isinstance(event, Failed):
                    raise event.error
                missing -= isinstance(event, Done)
                yield event
        finally:
            work.cancel()
            if forget is not None:
                forget()

    async def get(self, path: str) -> Any:
        """The JSON at a path."""
        return await self._again(lambda: self._client.get(f"{self._url}{path}"), urgent=True)

    async def post(self, path: str, body: dict[str, Any], *, urgent: bool) -> Any:
        """The JSON that comes back for some."""
        return await self._again(lambda: self._client.post(f"{self._url}{path}", json=body), urgent=urgent)

    async def stream(self, path: str, body: dict[str, Any], *, urgent: bool) -> AsyncGenerator[Any]:
        """The JSON of each server-sent event that comes back. It is not asked again once some have come."""
        async with self._slot(urgent=urgent):
            request = self._client.build_request("POST", f"{self._url}{path}", json=body)
            response = await self._patiently(lambda: self._client.send(request, stream=True))
            try:
                async for line in response.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if line.startswith("data:") and data != "[DONE]":
                        yield self._json(data)
            except httpx2.TransportError as error:
                raise self._gone(error) from error
            finally:
                await response.aclose()

    def close(self) -> None:
        """End what is under way and close the connections."""
        if self._closed:
            return
        self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _again(self, ask: Callable[[], Awaitable[httpx2.Response]], *, urgent: bool) -> Any:
        async with self._slot(urgent=urgent):
            response = await self._patiently(ask)
        return self._json(response.text)

    async def _patiently(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        """A response that is no error, after as many tries as it takes, up to a limit."""
        pause, last = self._pause, ServerError("")
        for attempt in range(self._patience):
            if attempt:
                await asyncio.sleep(min(pause, _LONGEST_PAUSE))
            pause = self._pause * 2**attempt * (1 + random.random())  # noqa: S311 - so that not all come back at once
            try:
                response = await ask()
            except httpx2.ReadTimeout as error:
                raise ServerError(f"{self._url} took too long to reply", remedy="Ask for less at a time") from error
            except httpx2.TransportError as error:
                last = self._gone(error)
                continue
            if response.is_success:
                return response
            await response.aread()
            last = self._refused(response)
            await response.aclose()
            if response.status_code not in _BUSY:
                break
            pause = max(pause, _seconds(response.headers.get("Retry-After")))
        raise last

    @asynccontextmanager
    async def _slot(self, *, urgent: bool) -> AsyncGenerator[None]:
        """A place among the requests that may be under way; calls of a map leave one to others."""
        if urgent:
            async with self._slots:
                yield
        else:
            async with self._unhurried, self._slots:
                yield

    def _gone(self, error: httpx2.TransportError) -> ServerError:
        what = str(error) or type(error).__name__
        return ServerError(f"{self._url} cannot be reached: {what}", remedy="Check the address, and that it is running")

    def _refused(self, response: httpx2.Response) -> ServerError:
        status = response.status_code
        return ServerError(f"{self._url} replied {status}: {_message(response.text)}", status=status)

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise ServerError(f"{self._url} sent what is no JSON: {text[:_SHOWN]}") from error


async def _all(calls: Sequence[Call], events: Events) -> None:
    async def one(index: int, call: Call) -> None:
        try:
            result = await call(lambda text: events.put(Text(index, text)))
            events.put(Done(index, result))
        except asyncio.CancelledError:
            events.put(Failed(EngineError("the engine was closed")))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, no caller may wait for ever
            events.put(Failed(error))

    async with asyncio.TaskGroup() as group:
        for index, call in enumerate(calls):
            group.create_task(one(index, call))


def _seconds(said: str | None) -> float:
    """What a Retry-After header asks for; 0 where it is a date, or none."""
    try:
        return max(0.0, float(said or 0))
    except ValueError:
        return 0.0


def _message(text: str) -> str:
    """What an error of the server says, in its own words."""
    try:
        error = json.loads(text)
        error = error.get("error", error)
        text = str(error.get("message", error) if isinstance(error, dict) else error)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    except (ValueError, AttributeError):
        pass
    return " ".join(text.split())[:_SHOWN] or "nothing"
