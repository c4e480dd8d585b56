"""The probabilities of options from the likeliest next tokens, which is all that a server tells.

It is `rlm_local.models.options` without a tokenizer: the trie is one of texts. Where a token is the beginning of
several options, the server is asked what comes after it.
"""

import math
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from rlm_local.models.logits import normalise

Following = Callable[[str], Awaitable[Sequence[tuple[str, float]]]]
"""The likeliest tokens after some text of the reply: their texts and log probabilities."""


def check(options: Sequence[str]) -> None:
    """Raise ValueError where there is no option, an empty one, or the same one twice."""
    if not options or not all(options):
        raise ValueError("options must not be empty")
    if len(set(options)) < len(options):
        raise ValueError("options must differ")


async def score(options: Sequence[str], following: Following) -> list[float]:
    """Log probabilities of options, normalised over them.

    An option that no likely token leads to is taken to be as likely as the least of them, which is more than it is;
    options that none leads to at all are alike.
    """
    shares = await _shares(tuple(range(len(options))), options, "", following)
    least = min((share for share in shares.values() if share > 0), default=1.0)
    logs = [math.log(max(share, least * 1e-2)) for share in (shares[place] for place in range(len(options)))]
    return normalise(np.array(logs)).tolist()


def matched(options: Sequence[str], text: str) -> int | None:
    """The option that a written reply begins with, the longest of several."""
    text = text.lstrip()
    fitting = [place for place, option in enumerate(options) if text.startswith(option.strip())]
    return max(fitting, key=lambda place: len(options[place]), default=None)


async def _shares(
    group: tuple[int, ...], options: Sequence[str], before: str, following: Following
) -> dict[int, float]:
    """How the probability after `before` is shared among the options that begin with it."""
    shares = dict.fromkeys(group, 0.0)
    ended = next((place for place in group if options[place] == before), None)
    longer = tuple(place for place in group if place != ended)
    for text, logprob in await following(before):
        whole, probability = before + text, math.exp(logprob)
        begun = tuple(place for place in longer if options[place].startswith(whole)) if text else ()
        done = [place for place in longer if whole.startswith(options[place])]
        if len(begun) > 1:
            parts = await _shares(begun, options, whole, following)
            total = sum(parts.values()) or 1.0
            for place, part in parts.items():
                shares[place] += probability * part / total
        elif begun or done:
            shares[begun[0] if begun else max(done, key=lambda place: len(options[place]))] += probability
        elif ended is not None:
            shares[ended] += probability
    return shares
