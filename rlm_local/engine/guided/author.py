"""The guided author: a typed plan, compiled to a readable cell; an empty result goes back to planning."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from rlm_local.engine.author import Step, Turn
from rlm_local.engine.batches import price_of
from rlm_local.engine.budget import Budget
from rlm_local.engine.guided.compile import MOST_JUDGED, compile_answer, compile_plan
from rlm_local.engine.guided.plan import Op, Plan
from rlm_local.engine.guided.planner import Planned, decode_plan, open_ops, planning_prompt
from rlm_local.engine.guided.schema import Schema
from rlm_local.engine.records import shape_of_set
from rlm_local.engine.situation import about
from rlm_local.models import Cancel, Model
from rlm_policy import Action, Decision, Policy, State, expected_costs

_ATTEMPTS = 3
_PLAN_TOKENS = 160
_MUCH, _HARDLY = 3, 2
"""Words of the question that a plan may not leave out."""

_WORDING = frozenset(("text", "title", "name", "path"))
"""Fields that hold wording rather than values: a word of the question in one of them says little."""

_WHAT = re.compile(r"(?:how|what|which|when|where|who|whom|whose|why)\b", re.IGNORECASE)
"""How a question begins that yes or no does not answer."""


@dataclass
class GuidedAuthor:
    """Plans, and plans again with what failed closed; reading passages is the last resort.

    The policy's decision is read off the plan's own slots: `op` (and `judge`) say which action it is, and their log
    probabilities are the decision's.
    """

    model: Model
    schema: Schema
    budget: Budget
    policy: Policy
    _tried: list[Plan] = field(default_factory=list[Plan])
    _counted_none: bool = False
    _repeated: bool = False

    def step(self, state: State, turns: tuple[Turn, ...], cancel: Cancel) -> Step | None:
        """See `Author.step`."""
        if turns and turns[-1].stopped == "worker" and not self._repeated:  # its process died: nothing was tried
            self._repeated = True
            return replace(turns[-1].step, prompt=None, prompt_ids=(), completion_ids=(), text="")
        settled = self.policy.settle(state)
        if settled is not None:
            return Step(settled, compile_answer(state.question))
        planned = self._next(state, cancel)
        if planned is None:
            return self._last_resort(state, turns)
        return Step(
            decision=replace(planned.decision, reason=_reason(planned)),
            cell=compile_plan(planned.plan, state.question),
            prompt=planned.prompt,
            prompt_ids=planned.prompt_ids,
            completion_ids=planned.completion_ids,
            text=planned.text,
            plan=planned.plan.data(),
        )

    def _next(self, state: State, cancel: Cancel) -> Planned | None:
        """The next plan worth running. One that went astray is a reading, or where that was done, none."""
        opened = expected_costs(state)
        while len(self._tried) < _ATTEMPTS and open_ops(self.schema, self._tried, opened):
            planned = self._plan(state, opened, cancel)
            astray = self._astray(planned.plan)
            if astray and not self._has_read():
                planned, astray = replace(planned, plan=Plan(Op.READ)), False
            self._tried.append(planned.plan)
            if not astray:
                return planned
        return None

    def _plan(self, state: State, opened: Collection[Action], cancel: Cancel) -> Planned:
        prompt = planning_prompt(self.schema, state.question)
        with self.budget.reserve(price_of(self.model, [prompt], _PLAN_TOKENS)) as receipt:
            planned = decode_plan(
                self.model,
                prompt,
                self.schema,
                self._tried,
                opened,
                lambda logprobs, items: self.policy.decide(self._about(state, items), logprobs),
                cancel,
                self.policy.adapters,
            )
            receipt.tokens = planned.usage
            receipt.calls = 1
        return planned

    def _about(self, state: State, items: str) -> State:
        return about(state, shape_of_set(self.schema.sets[items]), self.schema.characters) if items else state

    def _last_resort(self, state: State, turns: tuple[Turn, ...]) -> Step | None:
        if self._has_read():
            return self._none_of_them(turns)
        plan = Plan(Op.READ)
        self._tried.append(plan)
        decision = Decision(Action.SEARCH, reason="nothing planned was found: read what speaks of it")
        return Step(decision, compile_plan(plan, state.question), plan=plan.data())

    def _none_of_them(self, turns: tuple[Turn, ...]) -> Step | None:
        """A count that rests on values of fields and found none is an answer after all, once nothing else was found."""
        first = self._tried[0]
        if first.op is not Op.COUNT or not first.where or self._astray(first) or self._counted_none:
            return None
        if not any(turn.step.plan == first.data() and not turn.error and not turn.stopped for turn in turns):
            return None
        self._counted_none = True
        return Step(Decision(Action.ANSWER, reason=f"no item of {first.items} meets the conditions"), "FINAL(0)")

    def _astray(self, plan: Plan) -> bool:
        """Whether a plan is of something else than the question.

        It is where it leaves most of the question out and rests on no field's value. After a reading that found
        nothing, for a field of one item, for a list that rests on words alone, and for a count whose items were judged
        and found wanting, little left out is too much; so is one name, after a reading and for what shows a field. A
        field of one item, and one that is listed after a reading, has to be the one that is asked for. Astray is also a
        plan that would ask about every item of a large set to list a few, or ask what yes or no does not answer.
        """
        if plan.op in (Op.READ, Op.WHOLE, Op.EACH) or plan.classes or plan.pairs or plan.versus:
            return False
        if plan.judge:
            many = plan.op is Op.LIST and not plan.where and len(self.schema.sets[plan.items]) > MOST_JUDGED
            return many or bool(_WHAT.match(plan.judge))
        firm = any(c.field not in _WORDING and c.operator != "contains" for c in plan.where)
        shows, last = plan.op in (Op.LOOKUP, Op.LIST), self._has_read()
        judged = any(tried.judge and (tried.op, tried.items) == (plan.op, plan.items) for tried in self._tried)
        if shows and (last or plan.op is Op.LOOKUP) and self.schema.shows_another_field(plan):
            return True
        strict = last or judged or plan.op is Op.LOOKUP or (plan.op is Op.LIST and not firm)
        if self.schema.leaves_out(plan, _HARDLY if strict else _MUCH):
            return shows or last or judged or not firm
        return (shows or last) and self.schema.leaves_out_a_name(plan)

    def _has_read(self) -> bool:
        return any(plan.op is Op.READ for plan in self._tried)


def _reason(planned: Planned) -> str:
    return "; ".join(part for part in (_sentence(planned.plan), planned.decision.reason) if part)


def _sentence(plan: Plan) -> str:
    where = f" where {' and '.join(c.label for c in plan.where)}" if plan.where else ""
    judged = f", judging {plan.judge!r}" if plan.judge else ""
    match plan.op:
        case Op.READ:
            return "find passages and read them"
        case Op.WHOLE:
            return "read all of it"
        case Op.EACH:
            by = f" by {plan.show}" if plan.show else ""
            combined = plan.children.combine if plan.children else ""
            return f"ask children about parts of {plan.items or 'all documents'}{by}{where}, {combined}"
        case Op.PAIRS:
            return f"pairs of {plan.show} in {plan.items}, {plan.pairs.label if plan.pairs else ''}"
        case Op.COMPARE:
            return f"compare {plan.items}{where}, {plan.versus.label if plan.versus else ''}"
        case Op.TOP:
            ranking = plan.ranking.label if plan.ranking else ""
            return f"{plan.show} with {ranking} in {plan.items}{where}{judged}"
        case Op.COUNT if not plan.show:
            return f"count {plan.items}{where}{judged}"
        case _:
            having = f", {plan.having.label}" if plan.having else ""
            return f"{plan.op} {plan.show} of {plan.items}{where}{judged}{having}"
