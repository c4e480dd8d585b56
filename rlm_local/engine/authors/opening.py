"""What a node over a collection is given: sessions with its file and tools in them, and the author of its programs."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rlm_local.collection.view import View
from rlm_local.engine.authors.asked import named_tables, years
from rlm_local.engine.authors.candidates import Candidates
from rlm_local.engine.authors.card import card, hints
from rlm_local.engine.authors.programs import ProgramsAuthor
from rlm_local.engine.authors.prompt import PROMPT_VERSION, Asking
from rlm_local.engine.authors.trial import Trials
from rlm_local.engine.budget import Budget
from rlm_local.engine.notes import Length
from rlm_local.engine.toolbox import hand_over
from rlm_local.models import Model
from rlm_policy import Policy, priors_of
from rlm_sandbox import Image, Limits, Pool, Session

_TRIAL_SECONDS = 5.0
_REPLY_BYTES = 256 << 20


def open_session(view: View, sandbox: Image | Pool, seconds: float, calls: Mapping[str, Callable[..., Any]]) -> Session:
    """A session with the collection mounted and its tools installed.

    Raises:
        SandboxError: the sandbox does not start, or the tools cannot be installed.
    """
    session = Session(sandbox, limits=Limits(seconds=seconds, host_call_bytes=_REPLY_BYTES), host_calls=calls)
    try:
        hand_over(session, view.collection.pages, view.only)
    except BaseException:
        session.close()
        raise
    return session


def programs_author(
    question: str, view: View, model: Model, sandbox: Image | Pool, budget: Budget, policy: Policy, length: Length
) -> ProgramsAuthor:
    """The author of a node's programs."""
    tables, references = view.collection.tables, view.collection.references
    mentions = view.mentions(question)
    shown = card(tables, references, question, mentions)
    named = named_tables(tables, question)
    asking = Asking(shown, question, hints(tables, mentions, named))
    trials = Trials(partial(open_session, view, sandbox, _TRIAL_SECONDS))
    said = (*named, *years(question))
    sure = priors_of(model.name, PROMPT_VERSION).confidence
    candidates = Candidates(model, asking, tables, references, view.values, trials, budget, policy.adapters, sure, said)
    return ProgramsAuthor(model, view, asking, candidates, budget, policy, length)
