"""Prompt: the messages that a model is to reply to."""

from dataclasses import dataclass
from typing import Literal

NEUTRAL = ("N/A", "", "[MASK]", "...")
"""What stands in the item's place in a prompt that asks about nothing: see `calibration.py`."""


@dataclass(frozen=True)
class Message:
    """One turn of a chat. Text that spells a special token stays text."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Prompt:
    """What a model is asked.

    Attributes:
        messages: the turns so far; the model replies to the last.
        prefill: the start of the reply, already written.
        fixed: how many of the first messages many prompts begin with: their KV is kept on disk and loaded at the next
            start. Of several numbers, the smallest first, the longest beginning that is kept is loaded.
        thinking: the most tokens that the model may think before a reply that it writes; with 0 it answers at once, as
            it does where options are scored, or slots filled. Models that do not think answer at once anyway.
    """

    messages: tuple[Message, ...]
    prefill: str = ""
    fixed: tuple[int, ...] = ()
    thinking: int = 0
