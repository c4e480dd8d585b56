"""The programs author: the model writes SQL and Python, code checks and tries them, agreement decides.

    where to look    the first line of the reply, scored by its logits: the policy's decision
    candidates       the likeliest program of each dialect, repaired once; samples where these find nothing
    check            parsed, names resolved, literals grounded (query.py)
    trial            each runs aside in the sandbox (trial.py)
    choice           what most speaks for (choose.py)

What is found in no table, or is not sure enough, is read, and the surer answer is given. What is read nowhere, and was
counted as none, is none after all.
"""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rlm_local.collection.view import View
from rlm_local.engine.author import Step, Turn
from rlm_local.engine.authors.asked import named_marks, named_tables, wholly_named, years
from rlm_local.engine.authors.candidates import Candidates
from rlm_local.engine.authors.card import card, hints
from rlm_local.engine.authors.cells import reading_cell, refusing_cell, whole_cell
from rlm_local.engine.authors.choose import Candidate, Choice
from rlm_local.engine.authors.prompt import LOOKS, OPENING, PROMPT_VERSION, Asking, Look, opening
from rlm_local.engine.authors.trial import Trials
from rlm_local.engine.batches import price_of
from rlm_local.engine.budget import Budget
from rlm_local.engine.child import read_by_children
from rlm_local.engine.notes import Length
from rlm_local.engine.toolbox import open_session
from rlm_local.models import Cancel, Model
from rlm_policy import Action, Confidence, Decision, Policy, State, priors_of
from rlm_sandbox import Image, Pool

_LOOK_TOKENS = 4
_TRIAL_SECONDS = 5.0
_WANTED = 20.0
"""Nats for notes where the length of a summary is named: more than a model's leaning, or a price, comes to."""

ACTIONS: dict[Look, Action] = {
    "tables": Action.SEARCH,
    "text": Action.SEARCH,
    "each row": Action.MAP,
    "each document": Action.RECURSE,
    "notes": Action.RECURSE,
}
"""The action that a look is."""

_WHERE: dict[Look, str] = {
    "tables": "in the tables",
    "text": "in the text",
    "each row": "at each row",
    "each document": "in each document",
    "notes": "in notes of all that is read through",
}
"""Where a look goes, for a person."""


@dataclass
class ProgramsAuthor:
    """Decides where to look, writes programs, and shows the node the one that won."""

    model: Model
    view: View
    asking: Asking
    candidates: Candidates
    budget: Budget
    policy: Policy
    length: Length | None = None
    """Of the summary that is wanted; None where the question alone says whether it wants one."""

    _order: list[tuple[Look, Decision]] | None = None
    _held: list[tuple[Choice, Step]] = field(default_factory=list[tuple[Choice, Step]])
    _before: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _read: bool = False
    """Whether the text was read already, and did not say."""

    _repeated: bool = False

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        """See `Author.step`."""
        if turns and turns[-1].stopped == "worker" and not self._repeated:  # its process died: nothing was tried
            self._repeated = True
            return replace(turns[-1].step, prompt=None, prompt_ids=(), completion_ids=(), text="")
        if self._order is None:
            settled = self.policy.settle(state) if self.length is None else None
            self._order = self._decide(state, cancel) if settled is None else self._after(settled)
            if settled is not None:
                self._read = True
                return Step(settled, whole_cell(state.question))
        while self._order:
            look, decision = self._order.pop(0)
            step = self._look(look, decision, state, cancel)
            if step is not None:
                return step
        return self._last()

    # ---- where

    def _after(self, settled: Decision) -> list[tuple[Look, Decision]]:
        """What is left to try after a view was read whole and did not say."""
        reason = "reading it whole did not find it"
        return [("tables", replace(settled, action=Action.SEARCH, reason=reason))] if self.view.shape.fields else []

    def _decide(self, state: State, cancel: Cancel) -> list[tuple[Look, Decision]]:
        """Where to look first, by the model's logits and the policy; and where then, if that finds nothing."""
        looks = looks_at(self.view, state)
        prompt = self.asking.prompt(OPENING)
        prior = dict(priors_of(self.model.name, PROMPT_VERSION).looks)
        if self.length is not None:
            prior["notes"] = _WANTED
        with (
            self.budget.reserve(price_of(self.model, [prompt], _LOOK_TOKENS)) as receipt,
            self.model.cursor(prompt, adapters=self.policy.adapters, cancel=cancel) as cursor,
        ):
            chosen = cursor.choose([f" {look}\n" for look in looks], bias=[prior.get(look, 0.0) for look in looks])
            receipt.tokens, receipt.calls = cursor.usage, 1
        said: dict[Look, float] = dict(zip(looks, chosen.logprobs, strict=True))
        leaned: dict[Look, float] = dict(zip(looks, chosen.biased, strict=True))
        by_action: dict[Action, float] = {}
        for look, logprob in said.items():
            action = ACTIONS[look]
            by_action[action] = _sum(by_action.get(action, -math.inf), logprob + prior.get(look, 0.0))
        decision = self.policy.decide(read_by_children(state), by_action)
        within: list[Look] = [look for look in looks if ACTIONS[look] is decision.action]
        first = max(within, key=leaned.__getitem__)
        then: list[Look] = [  # what was ruled out is not gone back to
            look for look in looks if ACTIONS[look] is Action.SEARCH and look != first and leaned[look] > -math.inf
        ]
        why = f"{_WHERE[first]}; {decision.reason}" if decision.reason else _WHERE[first]
        later = replace(decision, action=Action.SEARCH, reason=f"nothing was found {_WHERE[first]}")
        return [(first, replace(decision, reason=why)), *((look, later) for look in then)]

    # ---- what

    def _look(self, look: Look, decision: Decision, state: State, cancel: Cancel) -> Step | None:
        if look == "text":
            unheard = self.view.unheard(state.question)
            if unheard:
                self._before.append({"look": "text", "unheard": list(unheard)})
                return None
            plan = self._with_before({"look": look})
            self._read = True
            held = max((choice.confidence for choice, _ in self._held if choice.candidate.found), default=0.0)
            return self._replied(Step(decision, reading_cell(state.question, least=held), plan=plan), look)
        if look == "tables":
            return self._tables(decision, state, cancel)
        if look == "notes":
            candidate = self.candidates.notes(state, self.length or "medium", cancel)
        else:
            candidate = self.candidates.semantic(look, state, cancel)
        if candidate is None:
            return None
        plan = {"look": look, "candidates": [candidate.data()], "confidence": self._sure.judged}
        return self._replied(Step(decision, candidate.cell, plan=plan), look, candidate if candidate.text else None)

    def _tables(self, decision: Decision, state: State, cancel: Cancel) -> Step | None:
        """The program that won, if it is sure enough; else it is held until the text has been read.

        If that was the first look, and found nothing, a program that is not sure enough is no answer: what the text
        does not say is seldom in some column.
        """
        choice, tried = self.candidates.of_tables(state, cancel)
        if tried[0].changes:  # the likeliest query: that is what was asked for
            plan = self._with_before({"look": "tables", "candidates": [tried[0].data()]})
            return self._replied(Step(decision, refusing_cell(tried[0].error), plan=plan), "tables", tried[0])
        if choice is None:
            self._before.append({"look": "tables", "candidates": [candidate.data() for candidate in tried]})
            return None
        plan = {
            "look": "tables",
            "candidates": [candidate.data() for candidate in tried],
            "choice": choice.data(),
            "confidence": round(choice.confidence, 4),
        }
        said = replace(decision, reason=f"{decision.reason}; {choice.label}")
        won = choice.candidate
        step = self._replied(Step(said, won.cell, plan=self._with_before(plan)), "tables", won)
        sure = choice.confidence >= self._sure.enough and not won.empty  # a no may only be what a query left out
        if won.found and (sure or not (self._order or self._read)):
            return step
        if not self._read:
            self._held.append((choice, step))
        self._before.append(plan)
        return None

    def _replied(self, step: Step, look: Look, candidate: Candidate | None = None) -> Step:
        """A step with the reply that it came of: the look and the program, in the tokens that the model goes by.

        Neither what was tried beside it nor an error that the model was told of is in it: it is what there was to say.
        """
        prompt, opened = self.asking.prompt(OPENING), opening(look, candidate.dialect if candidate else None)
        asked, begun = self.model.encode(prompt), self.model.encode(self.asking.prompt(opened))
        text, tokens = (f"{candidate.text}\n```", candidate.token_ids) if candidate else ("", ())
        if begun[: len(asked)] != asked:  # the look and what is before it melt into one token
            asked, begun, tokens = (), (), ()
        return replace(
            step, prompt=prompt, prompt_ids=asked, completion_ids=(*begun[len(asked) :], *tokens), text=opened + text
        )

    def _with_before(self, plan: dict[str, Any]) -> dict[str, Any]:
        """A plan for the log, with what was looked at before it and found nothing."""
        return {**plan, "before": list(self._before)} if self._before else plan

    @property
    def _sure(self) -> Confidence:
        return self.candidates.confidence

    def _last(self) -> Step | None:
        """What was held back, once everything else found nothing: a weak finding, or a none that programs agree on."""
        while self._held:
            choice, step = self._held.pop(0)
            if choice.candidate.found or (_is_none(choice.candidate) and not choice.candidate.missing):
                return step
        return None


def programs_author(
    question: str,
    view: View,
    model: Model,
    sandbox: Image | Pool,
    budget: Budget,
    policy: Policy,
    length: Length | None,
) -> ProgramsAuthor:
    """The author of a node's programs, with the card of its collection and sessions to try them in."""
    tables, references = view.collection.tables, view.collection.references
    mentions = view.mentions(question)
    named = named_tables(tables, question)
    asking = Asking(card(tables, references, question, mentions), question, hints(tables, mentions, named))
    candidates = Candidates(
        model=model,
        asking=asking,
        tables=tables,
        references=references,
        values=view.values,
        mentions=mentions,
        trials=Trials(partial(open_session, view, sandbox, _TRIAL_SECONDS)),
        budget=budget,
        adapters=policy.adapters,
        confidence=priors_of(model.name, PROMPT_VERSION).confidence,
        named=(*wholly_named(tables, question), *named_marks(tables, question), *years(question)),
    )
    return ProgramsAuthor(model, view, asking, candidates, budget, policy, length)


def looks_at(view: View, state: State) -> list[Look]:
    """Where a reply may look: columns where there are tables, children where there are documents to give them."""
    possible: dict[Look, bool] = {
        "tables": view.shape.fields > 0,
        "each row": view.shape.fields > 0,
        "each document": state.depth_left > 0 and len(view.documents) > 1,
        "notes": state.depth_left > 0,
    }
    return [look for look in LOOKS if possible.get(look, True)]


def _sum(one: float, other: float) -> float:
    """Log of the sum of two probabilities given as logs."""
    low, high = sorted((one, other))
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _is_none(candidate: Candidate) -> bool:
    """Whether a program counted, and came to none; or asked whether, and came to no."""
    outcome = candidate.outcome
    return outcome is not None and len(outcome.rows) == 1 and outcome.rows[0][:1] in ((0,), (False,), (0.0,))
