"""Reading: an answer from a few passages with the places that it rests on, or that they do not say."""

from rlm_local.engine.reading.task import READ_TOKENS, REPLY_TOKENS, Reading, Task, asks_yes_or_no, read

__all__ = ["READ_TOKENS", "REPLY_TOKENS", "Reading", "Task", "asks_yes_or_no", "read"]
