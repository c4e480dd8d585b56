"""A plan as the Python that runs: short, readable, and nothing that the plan does not say."""

from collections.abc import Sequence

from rlm_local.engine.guided.plan import Condition, GroupTest, Op, Plan

PASSAGES = ((3, 0.6), (6, 0.0))
"""How many passages a reading begins with, and how near to the best they are; each of the two hops adds some. Few
distract less, and cost less: more are read only where few do not say. Of 23 questions about 150 documents, the passage
that holds the answer, or the way to it, scores at least 0.67 of the best; in 11 it stands alone above 0.6."""

MOST_JUDGED = 60
"""Items that a list or a ranking may ask about one by one; a count is what a map is for, and has the run's budget."""


def compile_plan(plan: Plan, question: str) -> str:
    """The cell for a plan. It ends the run with FINAL where it finds something, and prints what it saw where not."""
    match plan.op:
        case Op.READ:
            return _read(question)
        case Op.WHOLE:
            return compile_answer(question)
        case Op.EACH:
            return _each(plan)
        case _:
            return _looking(plan)


def _looking(plan: Plan) -> str:
    made = plan.classes
    own = [condition for condition in plan.where if not made or condition.field != made.field]
    items = f"rows({plan.items!r}{_where(own)})"
    if made:
        tests = [condition for condition in plan.where if condition.field == made.field]
        chosen = f"select(every{_where(tests)})" if tests else "every"
        lines = [f"every = classify({items}, {made.field!r}, {list(made.names)!r})", f"hits = {chosen}"]
    else:
        lines = [f"hits = {items}"]
    if not plan.judge:
        return "\n".join([*lines, *_ending(plan)])
    if plan.op is Op.COUNT:
        return "\n".join([f"every = {items}", f"hits = judge({plan.judge!r}, every)", *_ending(plan)])
    judged = [f"hits = judge({plan.judge!r}, hits)", *_ending(plan)]
    too_many = "    print(len(hits), 'items are too many to ask about one by one')"
    return "\n".join([*lines, f"if len(hits) > {MOST_JUDGED}:", too_many, "else:", *(f"    {line}" for line in judged)])


def compile_answer(question: str) -> str:
    """The cell for a view that fits in one call."""
    return "\n".join([
        f"reading = read({question!r}, documents, whole=True)",
        "FINAL(reading.answer, reading.evidence, found=reading.found)",
    ])  # fmt: skip


def _where(conditions: Sequence[Condition]) -> str:
    if not conditions:
        return ""
    return f", where=[{_conditions(conditions)}]"


def _conditions(conditions: Sequence[Condition]) -> str:
    return ", ".join(repr((c.field, c.operator, c.value)) for c in conditions)


def _read(question: str) -> str:
    return "\n".join([
        f"question = {question!r}",
        "missing = absent(question)",
        "if missing:",
        "    print('nowhere in the documents:', missing)",
        f"for k, near in () if missing else {PASSAGES}:",
        "    passages = find(question, k, near=near)",
        "    hop = follow(passages, question, k // 2 + 1)",
        "    passages += hop + follow(hop, question, k // 2 + 1, known=passages)",
        "    reading = read(question, passages)",
        "    if reading.found:",
        "        FINAL(reading.answer, reading.evidence)",
        "        break",
        "    print(len(passages), 'passages do not say')",
    ])  # fmt: skip


def _each(plan: Plan) -> str:
    if plan.children is None:
        raise ValueError("an each plan needs a question for children")
    items = f"rows({plan.items!r}{_where(plan.where)})" if plan.items else "documents"
    by = f", {plan.show!r}" if plan.show else ""
    return "\n".join([
        f"asked = parts({items}{by})",
        f"results = rlm_query_batched({plan.children.ask!r}, asked)",
        "print(len(asked), 'parts,', sum(result.found for result in results), 'of them say')",
        f"answer = combine(results, {plan.children.combine!r})",
        "if answer.found:",
        "    FINAL(answer.value, answer.evidence)",
    ])  # fmt: skip


def _ending(plan: Plan) -> list[str]:
    seen = f"print(len(hits), 'of', len(rows({plan.items!r})), 'items')"
    match plan.op:
        case Op.COUNT | Op.LIST if plan.show:
            return _values(plan, seen)
        case Op.COUNT:
            # Of items that were chosen by their fields and then sorted or judged, none is an answer.
            counted = "every" if plan.classes or (plan.judge and plan.where) else "hits"
            return [seen, f"if {counted}:", "    FINAL(len(hits), hits)"]
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
        case Op.PAIRS:
            return _pairs(plan)
        case Op.COMPARE:
            return _compare(plan)
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


def _pairs(plan: Plan) -> list[str]:
    if plan.pairs is None:
        raise ValueError("a pairs plan needs tests")
    sides = (("one", plan.pairs.one), ("other", plan.pairs.other))
    return [
        f"groups = split(hits, {plan.show!r})",
        *(f"{side} = [name for name, items in groups.items() if {_tests(tests)}]" for side, tests in sides),
        "pairs = sorted({tuple(sorted((a, b))) for a in one for b in other if a != b})",
        "print(len(groups), 'groups,', len(one), 'and', len(other), 'meet the tests')",
        "if pairs:",
        "    FINAL([f'({a}, {b})' for a, b in pairs], hits)",
    ]


def _tests(tests: Sequence[GroupTest]) -> str:
    each = (f"len(select(items, [{_conditions(test.where)}])) {test.operator} {test.number}" for test in tests)
    return " and ".join(each)


def _compare(plan: Plan) -> list[str]:
    if plan.versus is None:
        raise ValueError("a compare plan needs two values")
    more, fewer, same = plan.versus.replies
    return [
        f"first = select(hits, [{_conditions([plan.versus.first])}])",
        f"second = select(hits, [{_conditions([plan.versus.second])}])",
        "print(len(first), 'against', len(second))",
        f"reply = {more!r} if len(first) > len(second) else {fewer!r} if len(first) < len(second) else {same!r}",
        "if first or second:",
        "    FINAL(reply, first + second)",
    ]
