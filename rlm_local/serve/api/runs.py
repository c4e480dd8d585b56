"""/api/runs: ask, list, look into, follow, cancel, go on with, run again, export, delete."""

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from operator import itemgetter
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from rlm_local.engine.answer import Answer
from rlm_local.errors import UsageError
from rlm_local.log import RunOutline, RunSummary
from rlm_local.models import Cancel
from rlm_local.serve.access import Asker, Caller, Reader, service
from rlm_local.serve.api import shapes
from rlm_local.serve.bodies import ParsedApart
from rlm_local.serve.erasure import Removed
from rlm_local.serve.errors import BadRequestError, NotFoundError
from rlm_local.serve.shapes import ERRORS
from rlm_local.serve.sse import EVENTS, EventStream, event

router = APIRouter(prefix="/api/runs", tags=["runs"], responses=ERRORS, route_class=ParsedApart)


@router.post("", status_code=202)
async def ask(request: Request, body: shapes.Ask, caller: Asker) -> shapes.RunItem:
    """Puts a question into the queue. Its run goes on whether anybody listens or not."""
    use, began = service(request), time.monotonic()
    limits = {"timeout": body.timeout, "max_tokens": body.max_tokens, "max_calls": body.max_calls}
    options = {name: value for name, value in limits.items() if value is not None}
    with use.desk.place(caller.owner):
        job = await asyncio.to_thread(
            use.accept,
            caller,
            body.question,
            body.model,
            files=body.files,
            folders=body.folders,
            options=options,
            follows=body.follows,
            before=() if body.exactly else None,
        )
        return shapes.of_live(use.desk.submit(job, began))


@router.get("")
async def list_runs(
    request: Request,
    caller: Reader,
    search: Annotated[str, Query(max_length=200, description="In questions and answers, in any case.")] = "",
    before: Annotated[str, Query(max_length=40, description="The id of the last run of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> shapes.RunList:
    """The caller's runs, the latest first; with all keys' for whoever administers, and those of the command line."""

    def page() -> list[shapes.RunItem]:
        service(request).visits.list(caller)
        known = _known(request, caller)
        wanted = _after(known, before) if before else known
        return list(islice((item for item in wanted if _matches(item, search)), limit + 1))

    items = await service(request).slow.run(page)
    lives = [service(request).desk.find(item.run_id) for item in items]
    now = [shapes.of_live(live) if live else item for item, live in zip(items, lives, strict=True)]
    return shapes.RunList(runs=now[:limit], more=len(now) > limit)


def _after(items: Iterator[shapes.RunItem], run_id: str) -> Iterator[shapes.RunItem]:
    for item in items:
        if item.run_id == run_id:
            break
    yield from items


def _matches(item: shapes.RunItem, search: str) -> bool:
    wanted = search.casefold()
    return not wanted or wanted in item.question.casefold() or wanted in (item.answer or "").casefold()


def _known(request: Request, caller: Caller) -> Iterator[shapes.RunItem]:
    """All runs that the caller may see, the last one first: what was asked here, and for some the command line's."""
    use = service(request)
    asked = ((job.accepted, shapes.of_job(job, use.answer(job.run_id))) for job in use.jobs.latest(caller.sees))
    if caller.sees is not None:
        return (item for _, item in asked)
    logged = (
        (summary.started.timestamp(), None if use.jobs.find(summary.run_id) else shapes.of_summary(summary))
        for summary in use.store.latest()
    )
    return (item for _, item in heapq.merge(asked, logged, key=itemgetter(0), reverse=True) if item)


@router.post("/purge")
async def purge(request: Request, body: shapes.Purge, caller: Asker) -> Removed:
    """Deletes the caller's runs that are older than that; with all keys' for whoever administers, and those of the
    command line. Those under way stay."""
    return await service(request).purge(caller, body.older_than)


@router.delete("/{run_id}")
async def delete_run(request: Request, run_id: str, caller: Asker) -> Removed:
    """Deletes a run that has ended, with the texts that came with it and all that was derived from it."""
    await asyncio.to_thread(_find, request, caller, run_id)
    return await service(request).delete_runs(caller, [run_id])


@router.get("/{run_id}")
async def get_run(request: Request, run_id: str, caller: Reader) -> shapes.RunDetail:
    """A run and its tree, as far as it has come."""
    use = service(request)
    live = use.desk.find(run_id)

    def read() -> tuple[shapes.RunItem, RunOutline | None, Answer | None, RunSummary | None]:
        item, answer = _read(request, caller, run_id)
        return item, use.outline(run_id), answer, use.store.summary(run_id)

    item, outline, answer, logged = await use.slow.run(read)
    if live and live.state != "ended":
        item = shapes.of_live(live)
    if logged:
        item = item.model_copy(update={"question": logged.question})
    job = await asyncio.to_thread(use.jobs.find, run_id)
    error = str(live.error) if live and live.error else answer.error if answer else ""
    return shapes.RunDetail(
        **item.model_dump(),
        nodes=[shapes.of_node(node) for node in outline.nodes] if outline else [],
        result=answer.data() if answer else None,
        error=error or None,
        sources=list(use.sources(run_id)),
        files=list(job.files) if job else [],
        folders=list(job.folders) if job else [],
        resumes=job.resumes if job else None,
        follows=job.follows if job else logged.follows if logged else None,
        said=logged.said if logged else item.question,
    )


@router.get("/{run_id}/nodes/{node}")
async def get_node(
    request: Request, run_id: str, node: Annotated[int, Path(ge=0, lt=2**63)], caller: Reader
) -> shapes.NodeDetail:
    """A node: what it knew, decided, ran and asked."""
    await asyncio.to_thread(_read, request, caller, run_id)
    use = service(request)
    try:
        record = await use.slow.run(use.store.node, run_id, node)
    except UsageError as error:
        raise NotFoundError(error.message, code="node_not_found") from error
    return shapes.NodeDetail(
        id=record.id,
        parent=record.parent,
        depth=record.depth,
        question=record.question,
        part=str((record.start.view or {}).get("label", "")),
        turns=[shapes.of_turn(turn) for turn in record.turns],
    )


@router.get(
    "/{run_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": EVENTS}},
)
async def follow(
    request: Request, run_id: str, caller: Reader, last_event_id: Annotated[int, Header(ge=0, le=2**53)] = 0
) -> Response:
    """What happens in a run, as server-sent events; after `Last-Event-ID`, where that is given.

    Kinds are the engine's (setup, understood, documents, node, decision, cell, output, call, end, answer), and queued,
    started, ended and lost. After `lost`, read the tree again: some events are no longer kept.
    """
    item, answer = await asyncio.to_thread(_read, request, caller, run_id)
    live = service(request).desk.find(run_id)

    async def events() -> AsyncGenerator[str]:
        if live is None:
            yield event({"answer": answer.data() if answer else None, "error": None, "state": item.state}, kind="ended")
            return
        async for told in live.follow(last_event_id):
            yield event(told.data, kind=told.kind, id_=told.id)

    return EventStream(events())


@router.post("/{run_id}/cancel")
async def cancel(request: Request, run_id: str, caller: Asker) -> shapes.RunItem:
    """Stops a run; its answer is the best so far."""
    use = service(request)
    await asyncio.to_thread(_find, request, caller, run_id)
    live = use.desk.find(run_id)
    if live and live.state != "ended":
        await use.cancel(caller, live)
        return shapes.of_live(live)
    item, _ = await asyncio.to_thread(_read, request, caller, run_id)
    return item


@router.post("/{run_id}/resume", status_code=202)
async def resume(request: Request, run_id: str, caller: Asker) -> shapes.RunItem:
    """Goes on with a run that was interrupted, cancelled or ran out, as a run of its own; what it found is kept."""
    use, began = service(request), time.monotonic()
    await asyncio.to_thread(_find, request, caller, run_id)
    live = use.desk.find(run_id)
    if live and live.state != "ended":
        raise BadRequestError(f"run {run_id} is under way", code="under_way")
    with use.desk.place(caller.owner):
        job = await asyncio.to_thread(use.accept_again, caller, run_id)
        return shapes.of_live(use.desk.submit(job, began))


@router.post("/{run_id}/replay")
async def replay(request: Request, run_id: str, caller: Reader) -> shapes.ReplayResult:
    """Runs the cells again with the log in the model's place, and says whether all comes out as logged."""
    await asyncio.to_thread(_read, request, caller, run_id)
    use = service(request)
    done = await use.slow.run(use.replay, run_id, Cancel())
    found = done.divergence
    return shapes.ReplayResult(
        same=found is None,
        turns=done.turns,
        calls=done.calls,
        place=found.place if found else "",
        logged=found.logged if found else "",
        now=found.now if found else "",
        left_out=done.left_out,
    )


@router.get(
    "/{run_id}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
async def export(request: Request, run_id: str, caller: Reader) -> StreamingResponse:
    """All that is known of a run, as JSON lines."""
    await asyncio.to_thread(_find, request, caller, run_id)
    use = service(request)
    await use.slow.run(use.store.get, run_id)  # whatever is wrong is said before the first line
    await asyncio.to_thread(use.audit.record, caller.name, "export", run=run_id)
    headers = {"content-disposition": f'attachment; filename="run-{run_id}.jsonl"'}
    lines = (f"{line}\n" for line in use.store.export(run_id))
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)


@router.get("/{run_id}/passage")
async def passage(
    request: Request,
    run_id: str,
    caller: Reader,
    document: Annotated[str, Query(max_length=1000)],
    start: Annotated[int, Query(ge=0, le=2**40)] = 0,
    end: Annotated[int, Query(ge=0, le=2**40)] = 0,
    around: Annotated[int, Query(ge=0, le=200_000, description="Characters before and after.")] = 4_000,
) -> shapes.Passage:
    """A document of a run around a place, as evidence names it."""
    await asyncio.to_thread(_read, request, caller, run_id)
    use = service(request)
    text, changed = await use.slow.run(use.document, run_id, document, Cancel())
    first = max(0, min(start, len(text)) - around)
    return shapes.Passage(
        document=document,
        text=text[first : max(start, end) + around].encode("utf-8", "replace").decode(),
        start=first,
        length=len(text),
        changed=changed,
    )


def _find(request: Request, caller: Caller, run_id: str) -> tuple[shapes.RunItem, Answer | None]:
    """A run that the caller may see.

    Raises:
        NotFoundError: there is none.
    """
    use = service(request)
    summary = use.store.summary(run_id)
    answer = summary.answer if summary else None
    if summary and caller.sees is None and use.jobs.find(run_id) is None:
        return shapes.of_summary(summary), answer
    return shapes.of_job(use.jobs.get(caller.sees, run_id), answer), answer


def _read(request: Request, caller: Caller, run_id: str) -> tuple[shapes.RunItem, Answer | None]:
    """The same for a look into it, which is recorded.

    Raises:
        NotFoundError: there is none. StoreError: it cannot be recorded.
    """
    found = _find(request, caller, run_id)
    service(request).visits.read(caller, run_id)
    return found
