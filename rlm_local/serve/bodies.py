"""Large bodies, parsed apart from the thread that all requests wait for, and only if parsing them takes no time."""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from rlm_local.serve.access import service
from rlm_local.serve.errors import ServeError, TooLargeError

MOST_VALUES = 100_000
"""In one body: no question has as many, and each costs a hundred times its own size."""

_SMALL = 1 << 16
"""Bytes that are parsed sooner than handed over."""


class ParsedApart(APIRoute):
    """A route that a large body costs other requests nothing at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_Request(request.scope, request.receive))

        return handle


class _Request(Request):
    async def json(self) -> Any:
        body = await self.body()
        try:
            return json.loads(body) if len(body) < _SMALL else await service(self).slow.run(parse, body)
        except ServeError as error:  # of others the framework makes one of its own
            raise HTTPException(error.status, error.message) from error


def parse(body: bytes) -> Any:
    """What a body says.

    Raises:
        TooLargeError: it has more values than are meant, whatever its size.
        ValueError: it is no JSON.
    """
    quotes = marks = 0
    for piece in _pieces(body):
        parts = piece.split(b'"')
        marks += sum(part.count(mark) for part in parts[quotes % 2 :: 2] for mark in (b",", b":", b"[", b"{"))
        quotes += len(parts) - 1
        if quotes > 4 * MOST_VALUES or marks > MOST_VALUES:
            raise TooLargeError(f"a body here has at most {MOST_VALUES:,} values", code="too_large")
    return json.loads(body)


def _pieces(body: bytes) -> Iterator[bytes]:
    """It without escaped quotes and backslashes, in short pieces: no other thread runs while one is looked at."""
    escape = b""
    for start in range(0, len(body), _SMALL):
        piece = (escape + body[start : start + _SMALL]).replace(b"\\\\", b"")
        escape = piece[-1:] if piece.endswith(b"\\") else b""
        yield piece.removesuffix(b"\\").replace(b'\\"', b"")
