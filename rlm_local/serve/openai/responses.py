"""/v1/responses: ask, look again, cancel."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from rlm_local.engine.answer import Answer, Ended
from rlm_local.serve.access import Asker, service
from rlm_local.serve.bodies import ParsedApart
from rlm_local.serve.errors import NotFoundError, ServeError
from rlm_local.serve.jobs import Job
from rlm_local.serve.live import Live
from rlm_local.serve.openai.asking import begin, details, follow, outcome, progress, said, wait
from rlm_local.serve.openai.messages import MOST_MESSAGES, ChatMessage, Data, Format, Lenient, Temperature, asked
from rlm_local.serve.shapes import ERRORS, FileIds, FolderNames, ModelName
from rlm_local.serve.sse import EVENTS, EventStream, event

router = APIRouter(tags=["openai"], route_class=ParsedApart)


class TextOptions(Lenient):
    format: Format = Format()


class ResponseRequest(Lenient):
    """A question about documents, alone or as the last of a conversation."""

    model: ModelName = "rlm-local"
    input: str | Annotated[list[ChatMessage], Field(max_length=MOST_MESSAGES)] = Field(min_length=1)
    instructions: str | None = None
    stream: bool = False
    previous_response_id: str | None = Field(
        default=None,
        max_length=100,
        pattern="^[a-z0-9_]+$",
        description="The response that this is a follow-up to, over the same documents.",
    )
    background: bool = Field(default=False, description="Answer at once with what can be looked at again later.")
    temperature: Temperature = None
    text: TextOptions = TextOptions()
    files: FileIds = Field(default=[], description="Ids of uploaded files that the question is over.")
    folders: FolderNames = Field(default=[], description="Names of shared folders that the question is over.")
    timeout: float | None = Field(default=None, gt=0, le=86400, description="Most seconds for the answer.")


class ResponseObject(Lenient):
    """A response; `rlm_local` has the evidence, the cost and how the run ended."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
    model: str
    output: list[Data]
    error: Data | None = None
    incomplete_details: Data | None = None
    usage: Data | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    metadata: Data = Field(default_factory=dict)
    parallel_tool_calls: bool = False
    temperature: float | None = None
    tool_choice: str = "none"
    tools: list[Data] = Field(default_factory=list[Data])
    top_p: float | None = None
    rlm_local: Data | None = None


@router.post(
    "/v1/responses",
    response_model=ResponseObject,
    responses={**ERRORS, 200: {"content": EVENTS}},
)
async def create_response(request: Request, body: ResponseRequest, caller: Asker) -> Response | ResponseObject:
    """Answers the input. With `stream`, what is done to find the answer comes as a reasoning summary."""
    messages = [ChatMessage(content=body.input)] if isinstance(body.input, str) else body.input
    if body.instructions:
        messages = [ChatMessage(role="system", content=body.instructions), *messages]
    options = {**body.text.format.options(), **({"timeout": body.timeout} if body.timeout is not None else {})}
    follows = None
    if body.previous_response_id is not None:
        previous, _ = await _find(request, caller.sees, body.previous_response_id)
        follows = previous.run_id
    live = await begin(request, caller, asked(messages, body.files), body.model, body.folders, options, follows)
    if body.stream:
        return EventStream(_stream(request, live))
    if not body.background:
        await wait(request, live)
    return _response(live.job, live)


@router.get("/v1/responses/{response_id}", responses=ERRORS)
async def get_response(request: Request, response_id: str, caller: Asker) -> ResponseObject:
    """A response as it is now."""
    job, live = await _find(request, caller.sees, response_id)
    await asyncio.to_thread(service(request).visits.read, caller, job.run_id)
    return _response(job, live, None if live else await asyncio.to_thread(service(request).answer, job.run_id))


@router.post("/v1/responses/{response_id}/cancel", responses=ERRORS)
async def cancel_response(request: Request, response_id: str, caller: Asker) -> ResponseObject:
    """Stops a response; what was found until then is its output."""
    job, live = await _find(request, caller.sees, response_id)
    if live and live.state != "ended":
        await service(request).cancel(caller, live)
        async for _ in live.follow():
            pass
    else:
        await asyncio.to_thread(service(request).visits.read, caller, job.run_id)
    answer = None if live else await asyncio.to_thread(service(request).answer, job.run_id)
    return _response(job, live, answer)


async def _find(request: Request, owner: str | None, response_id: str) -> tuple[Job, Live | None]:
    prefix, _, run_id = response_id.partition("_")
    if prefix != "resp":
        raise NotFoundError(f"there is no response {response_id!r}", code="response_not_found")
    job = await asyncio.to_thread(service(request).jobs.get, owner, run_id)
    return job, service(request).desk.find(run_id)  # the desk is for the event loop's thread


def _response(job: Job, live: Live | None, answer: Answer | None = None) -> ResponseObject:
    """What is known of a job: from what goes on, else from the log."""
    head: dict[str, Any] = {
        "id": f"resp_{job.run_id}",
        "created_at": int(job.accepted),
        "model": job.model,
        "previous_response_id": f"resp_{job.follows}" if job.follows else None,
    }
    if live and live.state != "ended":
        return ResponseObject(**head, status="queued" if live.state == "queued" else "in_progress", output=[])
    answer = live.answer if live else answer
    if answer is None:
        error = live.error if live else None
        ended = job.ended or "error"
        cancelled = (error.code if error else ended) == "cancelled"
        failure = {"code": "server_error", "message": str(error) if error else f"the run was {ended}"}
        return ResponseObject(
            **head, status="cancelled" if cancelled else "failed", output=[], error=None if cancelled else failure
        )
    failure = {"code": "server_error", "message": answer.error} if answer.ended is Ended.ERROR else None
    limit = {"reason": "max_output_tokens"} if answer.ended in (Ended.BUDGET, Ended.TIMEOUT) else None
    return ResponseObject(
        **head,
        status=_STATUS[answer.ended],
        output=[_message(answer, said(answer, job.options))],
        error=failure,
        incomplete_details=limit,
        usage=_usage(answer),
        rlm_local=details(answer),
    )


_STATUS: dict[Ended, Literal["completed", "incomplete", "failed", "cancelled"]] = {
    Ended.ANSWERED: "completed",
    Ended.BUDGET: "incomplete",
    Ended.TIMEOUT: "incomplete",
    Ended.CANCELLED: "cancelled",
    Ended.ERROR: "failed",
}


async def _stream(request: Request, live: Live) -> AsyncGenerator[str]:
    number = 0

    def send(kind: str, **data: object) -> str:
        nonlocal number
        number += 1
        return event({"type": kind, "sequence_number": number - 1, **data}, kind=kind)

    yield send("response.created", response=_response(live.job, live).model_dump())
    yield send("response.in_progress", response=_response(live.job, live).model_dump())
    place = {"item_id": f"rs_{live.job.run_id}", "output_index": 0, "summary_index": 0}
    yield send("response.output_item.added", output_index=0, item=_reasoning(live, ""))
    yield send("response.reasoning_summary_part.added", **place, part={"type": "summary_text", "text": ""})
    steps = ""
    async for told in follow(request, live):
        if text := progress(told):
            steps += text
            yield send("response.reasoning_summary_text.delta", **place, delta=text)
    yield send("response.reasoning_summary_text.done", **place, text=steps)
    yield send("response.reasoning_summary_part.done", **place, part={"type": "summary_text", "text": steps})
    yield send("response.output_item.done", output_index=0, item=_reasoning(live, steps))
    try:
        answer = outcome(live)
    except ServeError:
        yield send("response.failed", response=_response(live.job, live).model_dump())
        return
    text = said(answer, live.job.options)
    item = _message(answer, text)
    [part] = item["content"]
    place = {"item_id": item["id"], "output_index": 1, "content_index": 0}
    yield send("response.output_item.added", output_index=1, item={**item, "status": "in_progress", "content": []})
    yield send("response.content_part.added", **place, part={**part, "text": "", "annotations": []})
    yield send("response.output_text.delta", **place, delta=text, logprobs=[])
    yield send("response.output_text.done", **place, text=text, logprobs=[])
    yield send("response.content_part.done", **place, part=part)
    yield send("response.output_item.done", output_index=1, item=item)
    response = _response(live.job, live)
    response.output.insert(0, _reasoning(live, steps))
    yield send(
        "response.completed" if response.status == "completed" else "response.incomplete",
        response=response.model_dump(),
    )


def _reasoning(live: Live, steps: str) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": steps}] if steps else []
    return {"id": f"rs_{live.job.run_id}", "type": "reasoning", "summary": summary}


def _message(answer: Answer, said: str) -> dict[str, Any]:
    annotations = [
        {"type": "file_citation", "file_id": place.document, "filename": place.document, "index": 0}
        for place in answer.evidence
    ]
    text = {"type": "output_text", "text": said, "annotations": annotations, "logprobs": []}
    return {
        "id": f"msg_{answer.run_id}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [text],
    }


def _usage(answer: Answer) -> dict[str, Any]:
    usage = answer.usage
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
