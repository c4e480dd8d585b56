"""The guided author's first half: a plan, decoded slot by slot.

Everything that the corpus can say is offered and nothing else: the grammar of a plan is this program, and each slot is
one decision read off the model's logits. The literal text between the slots costs no decoding.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rlm_local.engine.guided.plan import Children, Condition, Op, Plan, Ranking
from rlm_local.engine.guided.schema import Schema
from rlm_local.engine.guided.shots import planning_messages
from rlm_local.models import Cancel, Cursor, Model, Prompt, Usage
from rlm_policy import Action, Decision

Decide = Callable[[Mapping[Action, float], str], Decision]
"""A policy in one state: the decision among the actions that have a log probability, and, where it is known, the name
of the item set that a map would ask about."""

_T = TypeVar("_T")

_QUESTION_TOKENS = 40
_OPEN = "op:"
_JUDGE_BIAS = 4.0
"""For judging every item where a count would else count everything, in nats; half of it against where fields decide."""

_LEFT_OVER = 3
"""Words of the question that no condition accounts for, from which on it is the model's own whether fields decide: of
twelve counts with conditions over two sets of records it then takes all six right that fields decide, and all six by
what messages mean (by 0.5 nats and more)."""

_MENTION_BIAS = 4.0
"""For a condition that the question mentions, in nats: what a person says is meant. Of 21 counts over three sets of
records, all are right where every sure mention is taken."""

_WORD_BIAS = 1.0
"""Against an item set for each word of the question that it leaves out and another does not, in nats."""

_COUNTED = r"\bhow many\b|\bcount\b|\bnumber of\b"
_NO_BOUND = r"(?<!\bat )\b"
"""Before "most" and "least", which after "at" say how many at all."""

_EXTREME = rf"{_NO_BOUND}(?:most|more|least|fewest|less|first|last|common|rare|top|best|worst|\w{{2,}}est)\b"

_CUES: dict[Op, tuple[tuple[re.Pattern[str], float], ...]] = defaultdict(
    tuple,
    {
        Op.COUNT: (
            (re.compile(_COUNTED, re.I), 2.0),
            (re.compile(rf"^(?!.*(?:{_COUNTED})).*\b(?:which|who|whose|name|list)\b", re.I), -3.0),
        ),
        Op.AVERAGE: ((re.compile(r"\baverage\b|\bmean\b", re.I), 2.0),),
        Op.SUM: (
            (re.compile(r"\btotal\b|\baltogether\b|\bsum\b|\bhow much\b", re.I), 1.0),
            (re.compile(r"\bhow many\b|\bwhich\b|\bwho\b", re.I), -3.0),
        ),
        Op.TOP: (
            (re.compile(rf"{_NO_BOUND}(?:most|least|fewest|highest|lowest|largest|biggest|smallest)\b", re.I), 1.5),
            (re.compile(rf"^(?!.*{_EXTREME})", re.I), -3.0),
        ),
    },
)
"""What the question's own words say for an op, in nats: the small model confuses what a person never would."""


_COMBINE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("each", re.compile(r"\b(?:for|of|in) (?:each|every)\b|\bper\b|\brespectively\b", re.I)),
    ("most", re.compile(rf"{_NO_BOUND}most\b|\b(?:high|larg|bigg)est\b", re.I)),
    ("fewest", re.compile(rf"{_NO_BOUND}least\b|\b(?:few|low|small)est\b", re.I)),
    ("sum", re.compile(r"\bhow (?:many|much)\b|\bnumber of\b|\btotal\b|\baltogether\b", re.I)),
    ("union", re.compile(r"\b(?:all|list|every|names|who are|which \w+s)\b", re.I)),
)
"""How code puts together what children answer, by the question's words; else the surest answer counts."""

_VALUES = range(2, 25)
"""How many values a field may have whose groups are given to children."""

_STATED = (Op.PAIRS, Op.COMPARE)
"""Ops that a question asks for in a form of its own: then there is nothing to choose."""

_DISTINCT = re.compile(r"\b(?:different|distinct|unique)\b", re.I)
"""For a count of values and not of items."""


@dataclass(frozen=True)
class Planned:
    """A plan with what it was decoded from: the prompt as sent and the reply; and the decision that it carries out."""

    plan: Plan
    decision: Decision
    prompt: Prompt
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    text: str
    usage: Usage


def planning_prompt(schema: Schema, question: str) -> Prompt:
    """The prompt whose reply is a plan."""
    messages = planning_messages(schema.text, question, schema.mentioned())
    return Prompt(messages, prefill=_OPEN, fixed=(len(messages) - 1,))


def decode_plan(
    model: Model,
    prompt: Prompt,
    schema: Schema,
    banned: Sequence[Plan],
    opened: Collection[Action],
    decide: Decide,
    cancel: Cancel,
    adapters: Mapping[str, float],
) -> Planned:
    """The model's plan for a question, other than those already tried.

    Where the options of a slot are different actions, `decide` takes one; of ANSWER and RECURSE, those in `opened` are
    among them. A repair has to change something: a banned plan's op is closed for the item set it was tried on, so that
    the next best decision is taken.

    Raises:
        Cancelled, DeadlineExceeded: by `cancel`.
    """
    with model.cursor(prompt, adapters=adapters, cancel=cancel) as cursor:
        plan, decision = _Slots(cursor, schema, banned, opened, decide).plan()
        return Planned(
            plan=plan,
            decision=decision,
            prompt=prompt,
            prompt_ids=model.encode(prompt),
            completion_ids=cursor.token_ids,
            text=_OPEN + cursor.text,
            usage=cursor.usage,
        )


_ONCE = (Op.READ, Op.WHOLE, Op.EACH)
"""Ops over everything, which are tried once."""


def open_ops(schema: Schema, banned: Sequence[Plan], opened: Collection[Action] = ()) -> list[Op]:
    """The ops that make sense for a corpus and have not been tried on all of it; those of ANSWER and RECURSE only where
    these are in `opened`."""
    tried = {plan.op for plan in banned}
    stated = [op for op in _STATED if _sets(op, schema, banned)]
    if stated:
        return stated
    closed = {Op.WHOLE: Action.ANSWER not in opened, Op.EACH: Action.RECURSE not in opened}
    ops = [op for op in Op if (op not in tried if op in _ONCE else _sets(op, schema, banned)) and not closed.get(op)]
    return [op for op in ops if not schema.classes or op not in (*_ONCE, Op.LOOKUP)]


def _sets(op: Op, schema: Schema, banned: Sequence[Plan]) -> list[str]:
    """The item sets on which this op makes sense and has not been tried."""
    tried = {plan.items for plan in banned if plan.op is op and not plan.judge}  # without a judge it is another plan
    numbers = ("number",) if op in (Op.SUM, Op.AVERAGE) else ()
    stated = {Op.PAIRS: schema.pairs, Op.COMPARE: schema.versus}
    return [
        name
        for name in stated.get(op, schema.sets)
        if name not in tried
        and (op is Op.COUNT or schema.fields(name, *numbers))
        and (op is not Op.LOOKUP or schema.conditions[name])
    ]


class _Slots:
    """The program that is a plan's grammar: one line a slot."""

    def __init__(
        self, cursor: Cursor, schema: Schema, banned: Sequence[Plan], opened: Collection[Action], decide: Decide
    ) -> None:
        self.cursor, self.schema, self.banned, self.opened, self.decide = cursor, schema, banned, opened, decide
        self.weights: dict[tuple[Action, ...], float] = {}
        """How likely an op of each group of actions is."""

    def plan(self) -> tuple[Plan, Decision]:
        start = self.cursor.mark()
        op, decision = self._op()
        if op not in _ONCE:
            plan, decision = self._looking(op, decision)
            if decision.action in (Action.SEARCH, Action.MAP):
                return plan, decision
            self.cursor.rewind(start)  # neither looking nor asking about every item was alone as likely as this
            op = Op.WHOLE if decision.action is Action.ANSWER else Op.EACH
            self.cursor.append(f" {op}\n")
        return self._each() if op is Op.EACH else Plan(op), decision

    def _each(self) -> Plan:
        """Parts of the documents, or of the items of a set, and what their children are asked."""
        question = self.schema.question
        items = self._pick("items:", ["", *self.schema.sets], lambda name: name or "all")
        plan = Plan(Op.EACH, items, children=Children(question, _combining(question)))
        if not items:
            return plan
        plan = replace(plan, where=self._where(plan))
        shared = [f.name for f in self.schema.sets[items].fields if f.type == "category" and f.distinct in _VALUES]
        by = self._pick("", ["", *shared], lambda name: name or "none")
        if not by:
            return plan
        self.cursor.append('ask: "')
        ask = self.cursor.write(stop=('"', "\n"), max_tokens=_QUESTION_TOKENS)
        self.cursor.append('"\n')
        return replace(plan, show=by, children=Children(ask, _combining(question)))

    def _looking(self, op: Op, decision: Decision) -> tuple[Plan, Decision]:
        plan = Plan(op, items=self._pick_set(op))
        if op is Op.PAIRS:
            plan = replace(plan, show=self._pick("show:", self._shown(plan), str), pairs=self.schema.pairs[plan.items])
        else:
            if op is Op.COMPARE:
                plan = replace(plan, versus=self.schema.versus[plan.items])
            plan = replace(plan, where=self._where(plan))
        if Action.MAP in op.actions:
            judge, decision = self._judge(plan)
            plan = replace(plan, judge=judge)
        having = self.schema.sizes.get(plan.items) if op in (Op.COUNT, Op.LIST) else None
        if op not in (Op.COUNT, *_STATED) or having or _DISTINCT.search(self.schema.question):
            opening = "show:" if Action.MAP in op.actions else ""
            plan = replace(plan, show=self._pick(opening, self._shown(plan), str))
        if having:
            self.cursor.append(f"having: {having.label}\n")
            plan = replace(plan, having=having)
        if op is Op.TOP:
            plan = replace(plan, ranking=self._pick("rank:", self._rankings(plan.items), lambda ranking: ranking.label))
        made = self.schema.classes
        tests = (*plan.where, plan.versus.first) if plan.versus else plan.where
        if made and (plan.pairs or made.field in (plan.show, *(condition.field for condition in tests))):
            plan, decision = replace(plan, classes=made), self._decided(0.0, plan.items)
        return plan, decision

    def _op(self) -> tuple[Op, Decision]:
        """The op, and the decision as far as it is known: whether an op that may judge does, its own slot says."""
        ops = open_ops(self.schema, self.banned, self.opened)
        said = [sum(bias for pattern, bias in _CUES[op] if pattern.search(self.schema.question)) for op in ops]
        at_most: dict[Action, float] = defaultdict(float)

        def pick(logprobs: Sequence[float]) -> int:
            for op, logprob in zip(ops, logprobs, strict=True):
                self.weights[op.actions] = self.weights.get(op.actions, 0.0) + math.exp(logprob)
                for action in op.actions[: 1 if self.banned else None]:
                    at_most[action] += math.exp(logprob)
            action = self.decide(_logs(at_most), "").action
            return max((n for n, op in enumerate(ops) if action in op.actions), key=logprobs.__getitem__)

        op = ops[self._settle([f" {op}\n" for op in ops], said, pick)]
        return op, self._decided(1.0)

    def _decided(self, searching: float, items: str = "") -> Decision:
        """The decision where an op that may judge does not with this probability."""
        weights: dict[Action, float] = defaultdict(float)
        for actions, weight in self.weights.items():
            weights[actions[0]] += weight * (searching if len(actions) > 1 else 1.0)
            if searching < 1.0 and len(actions) > 1:
                weights[actions[1]] += weight * (1.0 - searching)
        return self.decide(_logs(weights), items)

    def _settle(self, options: Sequence[str], bias: Sequence[float], pick: Callable[[Sequence[float]], int]) -> int:
        """Write the option that `pick` takes by the log probabilities of all, with the bias."""
        mark = self.cursor.mark()
        choice = self.cursor.choose(options, bias=bias)
        index = pick(choice.biased)
        if index != choice.index:
            self.cursor.rewind(mark)
            self.cursor.append(options[index])
        return index

    def _shown(self, plan: Plan) -> list[str]:
        numbers = ("number",) if plan.op in (Op.SUM, Op.AVERAGE) else ()
        return self.schema.fields(plan.items, *numbers)

    def _pick(self, opening: str, options: Sequence[_T], label: Callable[[_T], str]) -> _T:
        self.cursor.append(opening)
        return options[self.cursor.choose([f" {label(option)}\n" for option in options]).index]

    def _pick_set(self, op: Op) -> str:
        """The item set, the rather the more of the question's words it accounts for."""
        sets = _sets(op, self.schema, self.banned)
        left_out = [self.schema.left_out(op, name) for name in sets]
        bias = [-_WORD_BIAS * (words - min(left_out)) for words in left_out]
        self.cursor.append("items:")
        return sets[self.cursor.choose([f" {name}\n" for name in sets], bias=bias).index]

    def _where(self, plan: Plan) -> tuple[Condition, ...]:
        """Conditions until the model goes on to the next slot; one mention in the question is used once, and no field
        has two values. What is asked in a form of its own takes only what is surely meant."""
        closing = "by:" if plan.op is Op.EACH else "judge:" if Action.MAP in plan.op.actions else "show:"
        compared = plan.versus.first.field if plan.versus else ""
        left = [
            condition
            for condition in self.schema.conditions[plan.items]
            if condition.field != compared and (condition.sure or plan.op not in _STATED)
        ]
        taken = list[Condition]()
        while left:
            options = [f"where: {condition.label}\n" for condition in left]
            needed = plan.op is Op.LOOKUP and not taken
            bias = [_MENTION_BIAS if condition.sure else 0.0 for condition in left]
            choice = (
                self.cursor.choose(options, bias=bias)
                if needed
                else self.cursor.choose([*options, closing], bias=[*bias, 0.0])
            )
            if choice.index == len(left):
                return tuple(taken)
            condition = left[choice.index]
            taken.append(condition)
            left = [other for other in left if other.surface != condition.surface and not _excluded(other, condition)]
        self.cursor.append(closing)
        return tuple(taken)

    def _judge(self, plan: Plan) -> tuple[str, Decision]:
        """The question to put to each item, or none; and with that the decision between SEARCH and MAP."""
        # A second guess does not get to ask about every item: it would cost more than it mends. Nor is there need to
        # where the question lists what the items are sorted by.
        if self.banned or self.schema.classes:
            self.cursor.append(" none\n")
            return "", self._decided(1.0, plan.items)
        left_over = len(self.schema.unexplained(plan))
        if plan.op is Op.TOP or (plan.where and left_over < _LEFT_OVER):
            bias = -_JUDGE_BIAS / 2
        else:
            bias = _JUDGE_BIAS if left_over and not plan.where else 0.0
        decisions: list[Decision] = []

        def pick(logprobs: Sequence[float]) -> int:
            decisions.append(self._decided(math.exp(logprobs[0]), plan.items))
            return int(decisions[0].action is Action.MAP)

        if self._settle([" none\n", ' "'], [0.0, bias], pick) == 0:
            return "", decisions[0]
        question = self.cursor.write(stop=('"', "\n"), max_tokens=_QUESTION_TOKENS)
        self.cursor.append('"\n')
        return question, decisions[0]

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


def _excluded(one: Condition, other: Condition) -> bool:
    return one.field == other.field and one.operator == other.operator == "="


def _combining(question: str) -> str:
    return next((how for how, pattern in _COMBINE if pattern.search(question)), "best")


def _logs(weights: Mapping[Action, float]) -> dict[Action, float]:
    return {action: math.log(max(weight, 1e-9)) for action, weight in weights.items()}
