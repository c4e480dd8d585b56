"""Server-sent events: what they look like on the wire, and a stream of them that does not fall silent."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

_PING_SECONDS = 15.0


def event(data: Any, *, kind: str | None = None, id_: int | None = None) -> str:
    """One event; data that is no text is sent as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    head = (f"id: {id_}\n" if id_ is not None else "") + (f"event: {kind}\n" if kind else "")
    return f"{head}data: {text}\n\n"


EVENTS: dict[str, Any] = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "description": "Each event of the stream.",
            "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
            "required": ["data"],
        }
    }
}
"""Such a stream as the content of a response, in the OpenAPI document."""


class EventStream(StreamingResponse):
    """Sends events as they come, and a comment where none has come for a while: proxies cut what is silent.

    When the client goes away, the generator is closed.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(_with_pings(events), headers=headers)


async def _with_pings(events: AsyncGenerator[str]) -> AsyncIterator[str]:
    upcoming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=_PING_SECONDS)
            if not done:
                yield ": still here\n\n"
                continue
            text = upcoming.result()
            if text is None:
                return
            yield text
            upcoming = asyncio.ensure_future(anext(events, None))
    finally:
        upcoming.cancel()
        await asyncio.wait({upcoming})
        await events.aclose()
