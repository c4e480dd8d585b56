"""The guided author's first half: a plan, decoded slot by slot.

Everything that the corpus can say is offered and nothing else: the grammar of a plan is this program, and each slot is
one decision read off the model's logits. The literal text between the slots costs no decoding.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rlm_local.engine.guided.plan import Condition, Op, Plan, Ranking
from rlm_local.engine.guided.schema import Schema
from rlm_local.engine.guided.shots import planning_messages
from rlm_local.models import Cancel, Cursor, Model, Prompt, Usage

_T = TypeVar("_T")

_QUESTION_TOKENS = 40
_OPEN = "op:"
_JUDGING = (Op.COUNT, Op.LIST, Op.TOP)
_JUDGE_BIAS = 4.0
"""For judging every item where a count would else count everything, in nats; half of it against where fields decide."""

_MENTION_BIAS = 2.0
"""For a condition that the question mentions, in nats: what a person says is meant."""

_CUES: dict[Op, tuple[tuple[re.Pattern[str], float], ...]] = defaultdict(
    tuple,
    {
        Op.COUNT: ((re.compile(r"\bhow many\b|\bcount\b|\bnumber of\b", re.I), 2.0),),
        Op.AVERAGE: ((re.compile(r"\baverage\b|\bmean\b", re.I), 2.0),),
        Op.SUM: (
            (re.compile(r"\btotal\b|\baltogether\b|\bsum\b|\bhow much\b", re.I), 1.0),
            (re.compile(r"\bhow many\b|\bwhich\b|\bwho\b", re.I), -3.0),
        ),
        Op.TOP: ((re.compile(r"\bmost\b|\bleast\b|\bfewest\b|\b(?:high|low|larg|bigg|small)est\b", re.I), 1.5),),
    },
)
"""What the question's own words say for an op, in nats: the small model confuses what a person never would."""


@dataclass(frozen=True)
class Planned:
    """A plan with what it was decoded from: the prompt as sent, the reply, and the op's log probabilities."""

    plan: Plan
    prompt: Prompt
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    text: str
    op_logprobs: dict[Op, float]
    usage: Usage


def planning_prompt(schema: Schema, question: str) -> Prompt:
    """The prompt whose reply is a plan."""
    messages = planning_messages(schema.text, question, schema.mentioned())
    return Prompt(messages, prefill=_OPEN, fixed=len(messages) - 1)


def decode_plan(model: Model, prompt: Prompt, schema: Schema, banned: Sequence[Plan], cancel: Cancel) -> Planned:
    """The model's plan for a question, other than those already tried.

    A repair has to change something: a banned plan's op is closed for the item set it was tried on, so that the next
    best decision is taken.

    Raises:
        Cancelled, DeadlineExceeded: by `cancel`.
    """
    with model.cursor(prompt, cancel=cancel) as cursor:
        plan, logprobs = _Slots(cursor, schema, banned).plan()
        return Planned(
            plan=plan,
            prompt=prompt,
            prompt_ids=model.encode(prompt),
            completion_ids=cursor.token_ids,
            text=_OPEN + cursor.text,
            op_logprobs=logprobs,
            usage=cursor.usage,
        )


def open_ops(schema: Schema, banned: Sequence[Plan]) -> list[Op]:
    """The ops that make sense for a corpus and have not been tried on all of it."""
    has_read = any(plan.op is Op.READ for plan in banned)
    return [op for op in Op if (not has_read if op is Op.READ else _sets(op, schema, banned))]


def _sets(op: Op, schema: Schema, banned: Sequence[Plan]) -> list[str]:
    """The item sets on which this op makes sense and has not been tried."""
    tried = {plan.items for plan in banned if plan.op is op and not plan.judge}  # without a judge it is another plan
    numbers = ("number",) if op in (Op.SUM, Op.AVERAGE) else ()
    return [
        name
        for name in schema.sets
        if name not in tried
        and (op is Op.COUNT or schema.fields(name, *numbers))
        and (op is not Op.LOOKUP or schema.conditions[name])
    ]


class _Slots:
    """The program that is a plan's grammar: one line a slot."""

    def __init__(self, cursor: Cursor, schema: Schema, banned: Sequence[Plan]) -> None:
        self.cursor, self.schema, self.banned = cursor, schema, banned

    def plan(self) -> tuple[Plan, dict[Op, float]]:
        ops = open_ops(self.schema, self.banned)
        said = [sum(bias for pattern, bias in _CUES[op] if pattern.search(self.schema.question)) for op in ops]
        choice = self.cursor.choose([f" {op}\n" for op in ops], bias=said)
        op = ops[choice.index]
        logprobs = dict(zip(ops, choice.logprobs, strict=True))
        if op is Op.READ:
            return Plan(op), logprobs
        plan = Plan(op, items=self._pick("items:", _sets(op, self.schema, self.banned), str))
        plan = replace(plan, where=self._where(plan))
        if op in _JUDGING:
            plan = replace(plan, judge=self._judge(plan))
        if op is not Op.COUNT:
            opening = "show:" if op in _JUDGING else ""
            plan = replace(plan, show=self._pick(opening, self._shown(plan), str))
        if op is Op.TOP:
            plan = replace(plan, ranking=self._pick("rank:", self._rankings(plan.items), lambda ranking: ranking.label))
        return plan, logprobs

    def _shown(self, plan: Plan) -> list[str]:
        numbers = ("number",) if plan.op in (Op.SUM, Op.AVERAGE) else ()
        return self.schema.fields(plan.items, *numbers)

    def _pick(self, opening: str, options: Sequence[_T], label: Callable[[_T], str]) -> _T:
        self.cursor.append(opening)
        return options[self.cursor.choose([f" {label(option)}\n" for option in options]).index]

    def _where(self, plan: Plan) -> tuple[Condition, ...]:
        """Conditions until the model goes on to the next slot; one mention in the question is used once."""
        closing = "judge:" if plan.op in _JUDGING else "show:"
        left, taken = list(self.schema.conditions[plan.items]), list[Condition]()
        while left:
            options = [f"where: {condition.label}\n" for condition in left]
            needed = plan.op is Op.LOOKUP and not taken
            bias = [0.0 if condition.field == "text" else _MENTION_BIAS for condition in left]
            choice = (
                self.cursor.choose(options, bias=bias)
                if needed
                else self.cursor.choose([*options, closing], bias=[*bias, 0.0])
            )
            if choice.index == len(left):
                return tuple(taken)
            condition = left[choice.index]
            taken.append(condition)
            left = [other for other in left if other.surface != condition.surface]
        self.cursor.append(closing)
        return tuple(taken)

    def _judge(self, plan: Plan) -> str:
        if self.banned:  # a second guess does not get to ask about every item: it would cost more than it mends
            self.cursor.append(" none\n")
            return ""
        bias = -_JUDGE_BIAS / 2
        if plan.op is not Op.TOP and not plan.where:
            bias = _JUDGE_BIAS if self.schema.unexplained(plan) else 0.0
        if self.cursor.choose([" none\n", ' "'], bias=[0.0, bias]).index == 0:
            return ""
        question = self.cursor.write(stop=('"', "\n"), max_tokens=_QUESTION_TOKENS)
        self.cursor.append('"\n')
        return question

    def _rankings(self, items: str) -> list[Ranking]:
        numbers = self.schema.fields(items, "number")
        counted = [Ranking("count", most=most) for most in (True, False)]
        measured = [
            Ranking(measure, field, most)
            for field in numbers
            for measure in ("sum", "average", "highest")
            for most in (True, False)
        ]
        return [*counted, *measured]
