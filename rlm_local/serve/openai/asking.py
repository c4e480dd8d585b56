"""From a request in OpenAI's terms to a run, and what both ways of asking share."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import islice
from typing import Any

from starlette.requests import Request

from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.conversation import Exchange
from rlm_local.serve.access import Caller, service
from rlm_local.serve.errors import ServeError
from rlm_local.serve.jobs import Job
from rlm_local.serve.live import Live, Told
from rlm_local.serve.openai.messages import Asked
from rlm_local.serve.service import Service

_POLL_SECONDS = 0.25
_LOOKED_THROUGH = 200
"""Of a caller's latest runs, for the one that a conversation goes on from."""


async def begin(
    request: Request,
    caller: Caller,
    asked: Asked,
    model: str,
    folders: Sequence[str],
    options: dict[str, Any],
    follows: str | None = None,
) -> Live:
    """Puts the question into the queue. Texts that came with it are kept as files, so that evidence can be opened.

    It follows the run `follows`; else the run that the conversation's last exchange came from, if the caller has it.

    Raises:
        ServeError, StoreError: it is not taken; nothing runs.
    """
    use = service(request)
    began = time.monotonic()

    def accept() -> Job:
        followed = follows or _followed(use, caller, asked.before)
        return use.accept(
            caller,
            asked.question,
            model,
            files=asked.files,
            folders=folders,
            texts=asked.documents,
            options=options,
            follows=followed,
            before=None if followed else asked.before,
        )

    with use.desk.place(caller.owner):
        return use.desk.submit(await asyncio.to_thread(accept), began)


def _followed(use: Service, caller: Caller, before: Sequence[Exchange]) -> str | None:
    """The caller's run that the last exchange of a conversation came from: the log has it as it was understood."""
    if not before:
        return None
    last = before[-1]
    for job in islice(use.jobs.latest(caller.owner), _LOOKED_THROUGH):
        if job.question == last.question:
            answer = use.answer(job.run_id)
            if answer and said(answer, job.options) == last.answer:
                return job.run_id
    return None


async def wait(request: Request, live: Live) -> Answer:
    """The answer. A client that goes away cancels its run.

    Raises:
        ServeError: the run ended without one.
    """
    end = asyncio.ensure_future(_end(live))
    try:
        while not end.done():
            await asyncio.wait({end}, timeout=_POLL_SECONDS)
            if await request.is_disconnected():
                break
    finally:
        if not end.done():
            end.cancel()
            service(request).desk.cancel(live)
    return outcome(live)


async def _end(live: Live) -> None:
    async for _ in live.follow():
        pass


def outcome(live: Live) -> Answer:
    """The answer of a job that has ended.

    Raises:
        ServeError: there is none, or the run broke.
    """
    if live.error:
        raise live.error
    if live.answer is None:
        raise ServeError("cancelled", code="cancelled")
    if live.answer.ended is Ended.ERROR:
        raise ServeError(live.answer.error, code="run_failed")
    return live.answer


async def follow(request: Request, live: Live) -> AsyncGenerator[Told]:
    """What happens in the run, to its end; whoever stops listening cancels it."""
    try:
        async for told in live.follow():
            yield told
    finally:
        if live.state != "ended":
            service(request).desk.cancel(live)


def progress(told: Told) -> str:
    """What a person is shown of an event while they wait; nothing of most."""
    match told.kind:
        case "queued" if told.data["ahead"]:
            return f"Waiting: {told.data['ahead']} ahead.\n"
        case "understood":
            return f"Understood as: {told.data['text']}\n"
        case "documents" | "decision" | "setup":
            return f"{told.data['text']}\n"
        case "cell":
            return _fenced(told.data["text"], "python")
        case "output" if told.data["text"].strip():
            return _fenced(told.data["text"])
        case "call" if not told.data["fraction"]:
            return f"{told.data['text']}\n"
        case _:
            return ""


def _fenced(text: str, language: str = "") -> str:
    """A block that nothing in the text can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


def details(answer: Answer) -> dict[str, Any]:
    """What the engine knows of its answer beside the text; `question` is as it was understood."""
    data = answer.data()
    return {name: value for name, value in data.items() if name != "answer"}


def said(answer: Answer, options: Mapping[str, Any]) -> str:
    """The text of the answer; JSON, where a schema was asked for and the answer came to fit it."""
    fits = options.get("schema") is not None and answer.ended is Ended.ANSWERED
    return json.dumps(answer.value) if fits else answer.answer
