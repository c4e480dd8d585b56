"""Conversation: a follow-up is rewritten into a question that stands alone, from what was asked and answered before.

A run knows of no other run, so "and in 2023?" means nothing to it. The model is asked, in one short call, whether the
question stands alone, and if not, to write it out. Code checks the result. However long a conversation is, the prompt
has only its last few exchanges, cut.

    exchange.py           what was asked and answered; the last exchanges of a conversation in the log
    cases.py          the worked cases of the prompt
    rewriting.py      the call: what the model is shown, and how it is kept from repeating what was said before
    understanding.py  what of the reply is believed
"""

from rlm_local.engine.conversation.exchange import EXCHANGES, Exchange, exchange_of, exchanges_until
from rlm_local.engine.conversation.understanding import Understanding, understand

__all__ = ["EXCHANGES", "Exchange", "Understanding", "exchange_of", "exchanges_until", "understand"]
