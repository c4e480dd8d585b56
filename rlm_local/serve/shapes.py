"""Shapes that are the same everywhere: errors, which are OpenAI's, and what a request may name, and how much of it."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from rlm_local.serve.errors import ServeError

ModelName = Annotated[str, Field(max_length=400)]
FileIds = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=10_000)]
FolderNames = Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=1_000)]


class ErrorDetails(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """What every answer is that is not 2xx."""

    error: ErrorDetails


def error_body(error: ServeError) -> dict[str, Any]:
    details = ErrorDetails(message=str(error), type=error.kind, param=error.param, code=error.code or None)
    return ErrorBody(error=details).model_dump()


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in (
        (400, "The request is not as it should be."),
        (401, "No key, or one that opens nothing."),
        (403, "The key may not, or the request comes from another site."),
        (404, "There is no such thing, or it is another key's."),
        (413, "The body is too large."),
        (429, "The queue is full."),
        (500, "The run or the server failed."),
        (503, "The model is being loaded, or the server is going down."),
    )
}
"""What every operation may answer, for the OpenAPI document."""
