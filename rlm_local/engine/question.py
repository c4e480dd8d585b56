"""The bounds of a question."""

from rlm_local.errors import UsageError

LONGEST_QUESTION = 4_000
"""Characters; a longer text has its documents in it."""


def check_question(question: str) -> None:
    """Check that a question can be asked.

    Raises:
        UsageError: it is empty or too long.
    """
    if not question.strip():
        raise UsageError("the question is empty", remedy="Say what you want to know")
    if len(question) > LONGEST_QUESTION:
        raise UsageError(
            f"the question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are read",
            remedy="Give what it is about as a document",
        )
