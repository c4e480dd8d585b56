"""Reading: an answer from a few passages, with the places that it rests on; or that the passages do not say."""

from rlm_local.engine.reading.task import REPLY_TOKENS, Reading, read

__all__ = ["REPLY_TOKENS", "Reading", "read"]
