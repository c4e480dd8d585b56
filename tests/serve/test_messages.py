"""What a conversation asks, and which documents it carries."""

import pytest

from rlm_local.engine.conversation import Exchange
from rlm_local.serve.errors import BadRequestError
from rlm_local.serve.openai.messages import ChatMessage, FileRef, Part, asked

LONG = "The lamp of the north beacon was replaced by Karsten and Sons in May. " * 40


def user(content: str | list[Part]) -> ChatMessage:
    return ChatMessage(role="user", content=content)


def test_the_last_message_of_the_user_is_the_question() -> None:
    found = asked([user("What?"), ChatMessage(role="assistant", content="That."), user("And when?")])
    assert (found.question, found.documents, found.files) == ("And when?", {}, ())
    assert found.before == (Exchange("What?", "That."),)


def test_the_exchanges_before_are_the_last_few_and_what_the_assistant_said_is_no_document() -> None:
    exchanges = [user(f"{LONG}\n\nWho replaced it?"), ChatMessage(role="assistant", content=LONG)]
    found = asked([*exchanges, user([]), *[user("And then?")] * 7, *exchanges, user("When?")])
    assert found.before == (Exchange("And then?"), Exchange("And then?"), Exchange("Who replaced it?", LONG))
    assert LONG not in found.documents.values()


def test_long_messages_before_it_are_documents() -> None:
    system = ChatMessage(role="system", content=LONG)
    found = asked([system, user("Who replaced the lamp?")])
    assert found.question == "Who replaced the lamp?"
    assert list(found.documents.values()) == [LONG]


def test_parts_before_the_last_are_documents_and_files_are_named() -> None:
    parts = [
        Part(type="text", text="short"),
        Part(type="file", file=FileRef(file_id="file-1")),
        Part(type="input_file", file_id="file-2"),
        Part(type="text", text="Who?"),
    ]
    found = asked([user(parts)], files=["file-3", "file-1"])
    assert (found.question, found.documents) == ("Who?", {"document-1.txt": "short"})
    assert found.files == ("file-3", "file-1", "file-2")


@pytest.mark.parametrize(
    "text", [f"{LONG}\n\nWho replaced it?", f"Who replaced it?\n \n{LONG}", f"{LONG}\nWho replaced it?"]
)
def test_of_a_long_message_the_short_paragraph_is_the_question(text: str) -> None:
    found = asked([user(text)])
    assert found.question == "Who replaced it?"
    assert [document.strip() for document in found.documents.values()] == [LONG.strip()]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [ChatMessage(role="system", content="You are.")],
        [user([])],
        [user([Part(type="image_url")])],
        [user([Part(type="file", file=FileRef(file_id="file-1"))])],
        [user(LONG)],
    ],
)
def test_what_asks_nothing_is_refused(messages: list[ChatMessage]) -> None:
    with pytest.raises(BadRequestError):
        asked(messages)
