"""What of an item is judged."""

from rlm_local.engine.semantic.sentences import sentences

NOTE = "Visit V-12 | 2024-05-01 | Dr Ilse Elvanger\nShe waited for an hour. He was kind to her!\n"


def test_a_heading_is_no_sentence() -> None:
    assert sentences(NOTE) == ["She waited for an hour.", "He was kind to her!"]


def test_one_sentence_and_a_whole_document_are_judged_as_they_are() -> None:
    for text in ("the pump is broken", "It rained all day. " * 40, "A-1 | B-2", ""):
        assert sentences(text) == [text]
