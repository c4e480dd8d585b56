"""POST /v1/chat/completions."""

from collections.abc import AsyncGenerator
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from rlm_local.engine.answer import Answer, Ended
from rlm_local.serve.access import Asker
from rlm_local.serve.bodies import ParsedApart
from rlm_local.serve.errors import ServeError, as_serve_error
from rlm_local.serve.live import Live
from rlm_local.serve.openai.asking import begin, details, follow, outcome, progress, said, wait
from rlm_local.serve.openai.messages import MOST_MESSAGES, ChatMessage, Data, Format, Lenient, Temperature, asked
from rlm_local.serve.shapes import ERRORS, FileIds, FolderNames, ModelName, error_body
from rlm_local.serve.sse import EVENTS, EventStream, event

router = APIRouter(tags=["openai"], route_class=ParsedApart)


class StreamOptions(Lenient):
    include_usage: bool = False


class ChatRequest(Lenient):
    """A conversation whose last message asks something about documents."""

    model: ModelName = "rlm-local"
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Temperature = None
    response_format: Format = Format()
    n: Literal[1] | None = None
    files: FileIds = Field(default=[], description="Ids of uploaded files that the question is over.")
    folders: FolderNames = Field(default=[], description="Names of shared folders that the question is over.")
    max_tokens: int | None = Field(default=None, ge=1, description="Taken and not used: answers are short.")
    timeout: float | None = Field(default=None, gt=0, le=86400, description="Most seconds for the answer.")


class ChatReply(Lenient):
    role: Literal["assistant"] = "assistant"
    content: str
    reasoning_content: str | None = Field(default=None, description="What was done to find the answer.")
    refusal: str | None = None


class ChatChoice(Lenient):
    index: int = 0
    message: ChatReply
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class ChatUsage(Lenient):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(Lenient):
    """The answer; `rlm_local` has the evidence, the cost and how the run ended."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage
    rlm_local: Data


@router.post(
    "/v1/chat/completions",
    response_model=ChatCompletion,
    responses={**ERRORS, 200: {"content": EVENTS}},
)
async def chat_completions(request: Request, body: ChatRequest, caller: Asker) -> Response | ChatCompletion:
    """Answers the last message. With `stream`, what is done to find the answer comes as `reasoning_content`."""
    options = {**body.response_format.options(), **({"timeout": body.timeout} if body.timeout is not None else {})}
    live = await begin(request, caller, asked(body.messages, body.files), body.model, body.folders, options)
    if body.stream:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return EventStream(_stream(request, live, with_usage))
    answer = await wait(request, live)
    steps = "".join([progress(told) async for told in live.follow()])
    message = ChatReply(content=said(answer, live.job.options), reasoning_content=steps or None)
    return ChatCompletion(
        **_head(live),
        choices=[ChatChoice(message=message, finish_reason=_finish(answer))],
        usage=_usage(answer),
        rlm_local=details(answer),
    )


async def _stream(request: Request, live: Live, with_usage: bool) -> AsyncGenerator[str]:
    head = {**_head(live), "object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: object) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return event({**head, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    try:
        async for told in follow(request, live):
            if text := progress(told):
                yield chunk({"reasoning_content": text, "reasoning": text})
        answer = outcome(live)
    except ServeError as error:
        yield event(error_body(as_serve_error(error)))
        return
    yield chunk({"content": said(answer, live.job.options)})
    yield chunk({}, _finish(answer), rlm_local=details(answer))
    if with_usage:
        yield event({**head, "choices": [], "usage": _usage(answer).model_dump()})
    yield event("[DONE]")


def _head(live: Live) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{live.job.run_id}",
        "created": int(live.job.accepted),
        "model": live.job.model,
    }


def _finish(answer: Answer) -> Literal["stop", "length"]:
    return "length" if answer.ended in (Ended.BUDGET, Ended.TIMEOUT) else "stop"


def _usage(answer: Answer) -> ChatUsage:
    usage = answer.usage
    return ChatUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )
