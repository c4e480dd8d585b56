"""Reply: what a server said, checked, because it may say anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from rlm_local.models.errors import ServerError
from rlm_local.models.result import Usage

_SHOWN = 200  # characters of what a server said, in an error


@dataclass(frozen=True)
class Token:
    """A token of a reply, and the likeliest ones in its place, best first: their texts and log probabilities."""

    text: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Reply:
    """A chat completion.

    Attributes:
        tokens: with their log probabilities; None where the server gives none.
    """

    text: str
    finish: Literal["stop", "length"]
    tokens: tuple[Token, ...] | None
    usage: Usage


def read_reply(body: Any) -> Reply:
    """A completion from what JSON said.

    Raises:
        ServerError: it is none.
    """
    try:
        [choice] = body["choices"]
        text = choice["message"]["content"] or ""
        if not isinstance(text, str):
            raise TypeError("the content is no text")
        finish = "length" if choice.get("finish_reason") == "length" else "stop"
        content: list[Any] | None = record(choice.get("logprobs")).get("content")
        tokens = tuple(_token(each) for each in content) if content else None
        return Reply(text, finish, tokens, read_usage(body.get("usage")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = json.dumps(body)[:_SHOWN]
        raise ServerError(f"the server sent what is no chat completion: {said}") from error


def read_usage(said: Mapping[str, Any] | None) -> Usage:
    """The tokens that a server counted; none where it does not say."""
    said = said or {}
    cached = int(record(said.get("prompt_tokens_details")).get("cached_tokens") or 0)
    return Usage(int(said.get("prompt_tokens") or 0) - cached, cached, int(said.get("completion_tokens") or 0))


def record(said: Any) -> dict[str, Any]:
    """An object of JSON, an empty one where there is null; raises TypeError for anything else."""
    if said is not None and not isinstance(said, dict):
        raise TypeError(f"{said!r} is no object")
    return cast("dict[str, Any]", said or {})


def _token(said: Mapping[str, Any]) -> Token:
    likeliest = [(_text(each), float(each["logprob"])) for each in said.get("top_logprobs") or ()]
    likeliest.sort(key=lambda each: -each[1])
    return Token(_text(said), float(said["logprob"]), tuple(likeliest))


def _text(said: Mapping[str, Any]) -> str:
    """A token's text; by its bytes where they are said, since a token may be a part of a character."""
    data = said.get("bytes")
    return bytes(data).decode(errors="replace") if data else str(said["token"])
