"""Reading: an answer from a few passages, with the places that it rests on; or that the passages do not say."""

from rlm_local.engine.reading.task import REPLY_TOKENS, Reading, asks_yes_or_no, read

__all__ = ["REPLY_TOKENS", "Reading", "asks_yes_or_no", "read"]
