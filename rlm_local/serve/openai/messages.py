"""What a conversation asks, and which documents it carries.

The question is the text of the last message of the user. Documents are the files that the request names, and long texts
in its messages: a chat front end puts what it found there, a program its whole context.

- Of a last message in several parts, the last text is the question and the others are documents.
- Of one long text, the question is its last paragraph where that is short, else its first.
- Earlier messages, and those of the system, are documents where they are long; what the assistant said is none.
- What the user asked before, and what the assistant answered, are exchanges that the question may follow up on:
  the last few of them, however long the conversation is.
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rlm_local.engine.conversation import EXCHANGES, Exchange
from rlm_local.serve.errors import BadRequestError

_LONG = 2_000
"""Characters from which on a question is taken to have its documents in it."""

_WORTH_READING = 400
"""Characters from which on another message is taken for a document."""


MOST_MESSAGES = 2_000
"""Of a conversation."""

_MOST_PARTS = 2_000
"""Of a message."""

_MOST_TEXTS = 1_000
"""That a conversation may bring as documents; each is kept as a file."""


class Lenient(BaseModel):
    """What clients send beside the fields that are used is left alone."""

    model_config = ConfigDict(extra="ignore")


FileId = Annotated[str | None, Field(max_length=100)]


class FileRef(Lenient):
    """An uploaded file."""

    file_id: FileId = None
    filename: str | None = None


class Part(Lenient):
    """A piece of a message: a text, or a file that was uploaded before."""

    type: str
    text: str | None = None
    file: FileRef | None = None
    file_id: FileId = None


class ChatMessage(Lenient):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"] = "user"
    content: str | Annotated[list[Part], Field(max_length=_MOST_PARTS)] | None = None


@dataclass(frozen=True)
class Asked:
    """A question, the texts that came with it by name, the ids of the files that it names, and what was said before."""

    question: str
    documents: dict[str, str] = field(default_factory=dict[str, str])
    files: tuple[str, ...] = ()
    before: tuple[Exchange, ...] = ()


def asked(messages: Sequence[ChatMessage], files: Iterable[str] = ()) -> Asked:
    """What a conversation asks.

    Raises:
        BadRequestError: there is no message of the user, or one has a part that cannot be read.
    """
    last = next((number for number in reversed(range(len(messages))) if messages[number].role == "user"), None)
    if last is None:
        raise BadRequestError("there is no message of the user", code="no_question", param="messages")
    documents: dict[str, str] = {}
    named = list(files)
    for number, message in enumerate(messages[:last], 1):
        texts, found = _pieces(message)
        named += found
        for text in texts:
            if len(text) >= _WORTH_READING and message.role != "assistant":
                documents[f"{message.role}-{number}-{len(documents) + 1}.txt"] = text
    texts, found = _pieces(messages[last])
    named += found
    if not texts:
        raise BadRequestError("the last message has no text", code="no_question", param="messages")
    *before, question = texts
    documents |= {f"document-{number}.txt": text for number, text in enumerate(before, 1) if text.strip()}
    if len(documents) > _MOST_TEXTS:
        raise BadRequestError(
            f"the messages bring {len(documents):,} texts; at most {_MOST_TEXTS:,} are read",
            remedy="Put them together, or upload them as files",
            code="too_many_texts",
            param="messages",
        )
    if len(question) > _LONG:
        question, documents["message.txt"] = _split(question)
    return Asked(question.strip(), documents, tuple(dict.fromkeys(named)), _exchanges(messages[:last]))


def _exchanges(messages: Sequence[ChatMessage]) -> tuple[Exchange, ...]:
    """The last questions of the user, each with what the assistant said to it."""
    exchanges = deque[Exchange](maxlen=EXCHANGES)
    for message in messages:
        texts, _ = _pieces(message)
        if message.role == "user" and texts:
            question = texts[-1]
            if len(question) > _LONG:
                with suppress(BadRequestError):
                    question, _ = _split(question)
            exchanges.append(Exchange(question.strip()[:_LONG]))
        elif message.role == "assistant" and exchanges:
            exchanges[-1] = replace(exchanges[-1], answer="\n".join(texts))
    return tuple(exchanges)


def _pieces(message: ChatMessage) -> tuple[list[str], list[str]]:
    """The texts of a message, and the ids of its files."""
    if message.content is None or isinstance(message.content, str):
        return ([message.content] if message.content else []), []
    texts: list[str] = []
    files: list[str] = []
    for part in message.content:
        reference = part.file_id or (part.file.file_id if part.file else None)
        if part.text is not None:
            texts.append(part.text)
        elif reference is not None:
            files.append(reference)
        else:
            raise BadRequestError(
                f"a part of type {part.type!r} cannot be read",
                remedy="Send text, or upload the file and name its file_id",
                code="unsupported_part",
                param="messages",
            )
    return texts, files


def _split(text: str) -> tuple[str, str]:
    """A long message's question, and the rest."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    if len(paragraphs) > 1:
        for place in (-1, 0):
            if len(paragraphs[place]) <= _LONG:
                question = paragraphs.pop(place)
                return question, "\n\n".join(paragraphs)
    head, _, tail = text.strip().rpartition("\n")
    if head and len(tail) <= _LONG:
        return tail, head
    raise BadRequestError(
        "the message is long, and no paragraph of it looks like the question",
        remedy="Put the question into a paragraph of its own at the end",
        code="no_question",
        param="messages",
    )


class JsonSchema(Lenient):
    """A schema that the answer has to fit."""

    name: str = "answer"
    schema_: dict[str, Any] = Field(default={}, alias="schema")


class Format(Lenient):
    """How the answer is to be given. In chat completions the schema is in `json_schema`, in responses in `schema`."""

    type: Literal["text", "json_schema"] = "text"
    json_schema: JsonSchema | None = None
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")

    def options(self) -> dict[str, Any]:
        """What it means for `Engine.ask`."""
        schema = self.json_schema.schema_ if self.json_schema else self.schema_
        return {"schema": schema or {}} if self.type == "json_schema" else {}


Temperature = Annotated[float | None, Field(ge=0, le=2, description="Taken and not used: the engine decodes greedily.")]
Data = dict[str, Any]
