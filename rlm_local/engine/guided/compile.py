"""A plan as the Python that runs: short, readable, and nothing that the plan does not say."""

from rlm_local.engine.guided.plan import Condition, Op, Plan

PASSAGES = 6
"""How many passages `read` begins with; each of the two hops adds up to four."""

MOST_JUDGED = 60
"""Items that a list or a ranking may ask about one by one; a count is what a map is for, and has the run's budget."""


def compile_plan(plan: Plan, question: str) -> str:
    """The cell for a plan. It ends the run with FINAL where it finds something, and prints what it saw where not."""
    if plan.op is Op.READ:
        return _read(question)
    lines = [f"hits = rows({plan.items!r}{_where(plan.where)})"]
    if not plan.judge:
        return "\n".join([*lines, *_ending(plan)])
    judged = [f"hits = judge({plan.judge!r}, hits)", *_ending(plan)]
    if plan.op is Op.COUNT:
        return "\n".join([*lines, *judged])
    too_many = "    print(len(hits), 'items are too many to ask about one by one')"
    return "\n".join([*lines, f"if len(hits) > {MOST_JUDGED}:", too_many, "else:", *(f"    {line}" for line in judged)])


def compile_answer(question: str) -> str:
    """The cell for a view that fits in one call."""
    return "\n".join([
        f"reading = read({question!r}, documents)",
        "FINAL(reading.answer, reading.evidence, found=reading.found)",
    ])  # fmt: skip


def _where(conditions: tuple[Condition, ...]) -> str:
    if not conditions:
        return ""
    return f", where=[{', '.join(repr((c.field, c.operator, c.value)) for c in conditions)}]"


def _read(question: str) -> str:
    return "\n".join([
        f"question = {question!r}",
        f"passages = find(question, k={PASSAGES})",
        "passages += follow(passages, question)",
        "passages += follow(passages, question)",
        "missing = absent(question)",
        "reading = None if missing else read(question, passages)",
        "if missing:",
        "    print('nowhere in the documents:', missing)",
        "elif reading.found:",
        "    FINAL(reading.answer, reading.evidence)",
        "else:",
        "    print(len(passages), 'passages do not say')",
    ])  # fmt: skip


def _ending(plan: Plan) -> list[str]:
    seen = f"print(len(hits), 'of', len(rows({plan.items!r})), 'items')"
    match plan.op:
        case Op.COUNT | Op.LIST if plan.show:
            return _values(plan, seen)
        case Op.COUNT:
            return [seen, "if hits:", "    FINAL(len(hits), hits)"]
        case Op.SUM:
            return [seen, "if hits:", f"    FINAL(total(hits, {plan.show!r}), hits)"]
        case Op.AVERAGE:
            return [
                f"hits = [item for item in hits if item.get({plan.show!r}) is not None]",
                seen,
                "if hits:",
                f"    FINAL(total(hits, {plan.show!r}) / len(hits), hits)",
            ]
        case Op.TOP:
            return _top(plan, seen)
        case _:
            return _values(plan, seen)


def _values(plan: Plan, seen: str) -> list[str]:
    """The values of a field, or how many there are; with `having` only those that so many items share."""
    found = f"found = values(hits, {plan.show!r})"
    if plan.having:
        test = f"{'==' if plan.having.operator == '=' else plan.having.operator} {plan.having.value:g}"
        found = f"found = [name for name, number in group(hits, {plan.show!r}) if number {test}]"
    return [
        found,
        f"{seen[:-1]}, 'with', len(found), 'values of', {plan.show!r})",
        "if found:",
        f"    hits = select(hits, [({plan.show!r}, 'any', found)])",
        f"    FINAL({'len(found)' if plan.op is Op.COUNT else 'found'}, hits)",
    ]


def _top(plan: Plan, seen: str) -> list[str]:
    ranking = plan.ranking
    if ranking is None:
        raise ValueError("a top plan needs a ranking")
    measure = f", {ranking.measure!r}, {ranking.field!r}" if ranking.field else ""
    return [
        f"groups = group(hits, {plan.show!r}{measure})",
        f"{seen[:-1]}, groups[:5])",
        "if groups:",
        f"    best = groups[{0 if ranking.most else -1}][1]",
        "    winners = [name for name, amount in groups if amount == best]",
        f"    FINAL(winners, select(hits, [({plan.show!r}, 'any', winners)]))",
    ]
