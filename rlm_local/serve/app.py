"""The application: routes, what passes before them, and what becomes of errors."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rlm_local.errors import RlmLocalError, StoreError
from rlm_local.models import Cancel
from rlm_local.serve.api import health, runs
from rlm_local.serve.errors import BadRequestError, ServeError, as_serve_error
from rlm_local.serve.guard import Guard
from rlm_local.serve.openai import chat, models, responses
from rlm_local.serve.openai import files as openai_files
from rlm_local.serve.service import Service
from rlm_local.serve.shapes import error_body

_DESCRIPTION = """\
Questions over documents that never leave this machine. `/v1` is what OpenAI's clients speak; `/api` shows what happens
in a run. Errors have OpenAI's shape everywhere.
"""


_EXPIRE_SECONDS = 3600.0
"""Between two looks for what is too old."""

_WATCH_SECONDS = 3.0
"""Between two looks at the sizes and times of shared files."""

_logger = logging.getLogger(__name__)

_AROUND_A_FILE = 64 << 10
"""Bytes of a body besides the file that it uploads."""


class AsciiJson(JSONResponse):
    """JSON that any text can be put into: documents and models bring half characters, which UTF-8 has none of."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def create_app(service: Service) -> Guard:
    """The guarded application over a service, which it opens and closes."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        await asyncio.to_thread(service.open)
        cancel = Cancel()
        loading = asyncio.create_task(_warm_up(service, cancel))
        expiring = asyncio.create_task(_expire(service))
        watching = asyncio.create_task(_watch(service, cancel))
        yield
        expiring.cancel()
        watching.cancel()
        await service.desk.close(0)
        cancel.cancel()
        await loading
        await asyncio.to_thread(service.close)

    settings = service.settings
    app = FastAPI(
        title="rlm-local",
        version=version("rlm-local"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        max_body_size=settings.body_bytes,
        default_response_class=AsciiJson,
    )
    app.state.service = service
    uploads = settings.upload_bytes + _AROUND_A_FILE
    for kind in (RlmLocalError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _told)
    for router in (chat.router, responses.router, models.router, runs.router, health.router):
        app.include_router(router)
    app.include_router(openai_files.router, max_body_size=uploads)
    document, writing = cache(lambda: AsciiJson(app.openapi()).body), Lock()  # it takes a second, in a thread and once

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        with writing:
            return Response(document(), media_type="application/json")

    app.mount("/", StaticFiles(directory=Path(__file__).parent / "page", html=True), name="page")
    return Guard(app, hosts=settings.hosts, most_bytes={"": settings.body_bytes, "/v1/files": uploads})


async def _warm_up(service: Service, cancel: Cancel) -> None:
    try:
        await asyncio.to_thread(service.warm_up, cancel)
    except Exception:  # the server answers what it can, and goes down as it should
        _logger.exception("the model %s cannot be loaded", service.settings.model)


async def _expire(service: Service) -> None:
    """Deletes what is too old, now and then, for as long as the server runs."""
    while True:
        try:
            removed = await service.expire()
        except RlmLocalError as error:  # the next round goes on from there
            _logger.error("what is too old could not be deleted: %s", error)
        else:
            if removed.runs or removed.files:
                _logger.info("too old: %d runs and %d files are deleted", len(removed.runs), len(removed.files))
        await asyncio.sleep(_EXPIRE_SECONDS)


async def _watch(service: Service, cancel: Cancel) -> None:
    """Reads shared files as they change, for as long as the server runs, if it is to."""
    said = ""
    while service.settings.watch:
        try:
            await asyncio.to_thread(service.collections.refresh, cancel)
        except RlmLocalError as error:  # a folder that is gone may come back
            if str(error) != said:
                _logger.error("shared files are not watched: %s", error)
            said = str(error)
        else:
            said = ""
        await asyncio.sleep(_WATCH_SECONDS)


async def _told(request: Request, error: Exception) -> JSONResponse:
    """Every error in OpenAI's shape; nothing of what was sent is sent back."""
    if isinstance(error, HTTPException) and isinstance(error.__cause__, OSError):  # a body too long for the memory
        error = StoreError("the request cannot be kept", remedy="Free some space on the server's disk")
    if isinstance(error, RequestValidationError):
        told, status = _invalid(error), 400
    elif isinstance(error, HTTPException):
        told, status = _http(error), error.status_code
    else:
        told = as_serve_error(error)
        status = told.status
    request.app.state.service.metrics.refused.labels(told.code or str(status)).inc()
    headers: dict[str, str] = dict(getattr(error, "headers", None) or {})
    if seconds := getattr(told, "retry_after", None):
        headers["retry-after"] = str(seconds)
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return AsciiJson(error_body(told), status, headers=headers)


def _invalid(error: RequestValidationError) -> ServeError:
    problems: list[Any] = list(error.errors())
    first = problems[0] if problems else {"loc": (), "msg": "the request cannot be read"}
    place = ".".join(str(step) for step in first["loc"] if step != "body")
    place = place.encode("ascii", "backslashreplace").decode()[:100]
    message = str(first["msg"]).encode("ascii", "backslashreplace").decode()
    return BadRequestError(f"{place}: {message}" if place else message, code="invalid_request", param=place or None)


def _http(error: HTTPException) -> ServeError:
    told = BadRequestError(str(error.detail), code=f"http_{error.status_code}")
    if error.status_code >= 500:
        told.kind = "server_error"
    return told
