"""The rewriting of a follow-up: what the model is shown, and how it is kept from repeating what was said before.

A small model sometimes copies the question before, so that the follow-up is lost, or the follow-up as it is. Code
notices both, and has the model write again.
"""

import math
import re
from collections.abc import Sequence

from rlm_local.collection.words import segmented
from rlm_local.engine.batches import recorded
from rlm_local.engine.conversation.cases import CASES
from rlm_local.engine.conversation.exchange import EXCHANGES, Exchange
from rlm_local.log import CallRecord
from rlm_local.models import Cancel, Cursor, Message, Model, Prompt

REPLY_TOKENS = 96
"""The longest question that is written out, in tokens."""

_SYSTEM = """\
You rewrite the last question of a conversation about a person's records. If it can be understood alone, it stands
alone. If it is a follow-up, write it as a standalone question in its own language: keep what still holds of the
questions before, put in what the follow-up changes or adds, and replace pronouns by what they stand for. Do not answer
it."""

_OPENING = "alone:"

_ENDS_BIAS = (3.0, 0.0)
"""Added to the log probability that a follow-up ends where the person ended it, against the same one continued. Of
seven questions (Qwen 1.5B), two that do not stand alone were likelier continued by 4.0 and 4.3 nats, five that do by
2.0 at most."""

_MARKS = "?.!\u2026\u3002\uff1f\uff01\u061f "
"""What a question may end with."""

_SHORTEST, _MOST_NEW = 3, 4
"""Letters of a word of the follow-up that is tried in the question before, and how many such words are."""

_WORD = re.compile(r"[^\W_]+")


def rewriting(exchanges: Sequence[Exchange], said: str) -> Prompt:
    """The worked cases, then the last exchanges and what is said now."""
    return Prompt((*_FIXED, Message("user", _asked(exchanges, said))), prefill=_OPENING, fixed=(len(_FIXED),))


def rewrite(model: Model, exchanges: Sequence[Exchange], said: str, cancel: Cancel) -> tuple[str, CallRecord]:
    """The question as the model rewrites it, unchanged if it stands alone; and the call, for the log.

    Raises:
        ModelError: it broke, or was cancelled.
    """
    prompt = rewriting(exchanges, said)
    with model.cursor(prompt, cancel=cancel) as cursor:
        if cursor.choose([" yes\n", " no\n"]).index == 0:
            return said, recorded(prompt, (), {"text": cursor.text}, cursor.usage)
        cursor.append("standalone:")
        start = cursor.mark()
        written = cursor.write(stop=("\n",), max_tokens=REPLY_TOKENS).strip()
        before = {word for exchange in exchanges for word in _words(exchange.shown())}
        if not before & (set(_words(written)) - set(_words(said))):
            written = _continued(cursor, start, said)
        elif any(_words(written) == _words(exchange.question) for exchange in exchanges):
            written = _written_again(cursor, start, written, said)
        return written, recorded(prompt, (), {"text": cursor.text}, cursor.usage)


def _continued(cursor: Cursor, start: int, said: str) -> str:
    """A follow-up that was copied: continued with what it leaves out, if that is much likelier."""
    whole = " ".join(said.split())
    begun = f" {whole.rstrip(_MARKS)}"
    cursor.rewind(start)
    cursor.append(begun)
    more = cursor.write(stop=("\n",), max_tokens=REPLY_TOKENS, allow=lambda text: any(map(str.isalnum, text)))
    cursor.rewind(start)
    chosen = cursor.choose([f" {whole}\n", f"{begun}{more}\n"], bias=_ENDS_BIAS) if more else None
    return chosen.option.strip() if chosen and chosen.index else said


def _written_again(cursor: Cursor, start: int, copied: str, said: str) -> str:
    """A question that was asked before and copied: written again from where a new word is likeliest to stand in it."""
    known = frozenset(_words(copied))
    new = [word for word in _WORD.findall(said) if word.casefold() not in known]
    new = [word for word in new[1:] if len(word) >= _SHORTEST] or new  # the first is often "and", in some language
    starts = [place.start() for place in _WORD.finditer(copied)]
    beginnings = dict.fromkeys(f" {copied[:at]}{word}" for at in starts for word in new[:_MOST_NEW])
    if not beginnings:
        return copied
    cursor.rewind(start)
    begun = cursor.choose([f" {copied}\n", *beginnings], bias=[-math.inf, *(0.0 for _ in beginnings)]).option
    return (begun + cursor.write(stop=("\n",), max_tokens=REPLY_TOKENS)).strip()


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(segmented(text))]


def _asked(exchanges: Sequence[Exchange], said: str) -> str:
    before = "\n\n".join(exchange.shown() for exchange in exchanges[-EXCHANGES:])
    return f"{before}\n\nFollow-up: {' '.join(said.split())}"


def _fixed() -> tuple[Message, ...]:
    messages = [Message("system", _SYSTEM)]
    for case in CASES:
        reply = f"{_OPENING} no\nstandalone: {case.meant}" if case.meant else f"{_OPENING} yes"
        messages += [Message("user", _asked(case.exchanges, case.said)), Message("assistant", reply)]
    return tuple(messages)


_FIXED = _fixed()
