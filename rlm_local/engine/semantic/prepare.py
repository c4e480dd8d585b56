"""From a query with semantic calls to the queries that gather their texts.

    judge(text, question)           whether it is so: 1 or 0
    classify(text, label, ...)      the label that fits best
    extract(text, what)             what the text says of it, in its own words, or NULL
    answer(document, question)      what a document says to a question, or NULL

The texts of a call are gathered by the rest of its SELECT: what is joined, and all conditions that are plain or that
stand before it. So each condition spares the next one work, as in BlendSQL (arXiv 2509.20208). A call in the list of
results is asked about the rows that all conditions and a LIMIT leave. A gathering query may hold semantic calls itself:
these have been answered when it runs.
"""

from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from rlm_local.engine.semantic.aggregate import Aggregate, aggregate_of
from rlm_local.engine.semantic.calls import Dialect, SemanticCall, Unfit, calls_in
from rlm_local.engine.semantic.gathering import Gather, Gathering
from rlm_local.engine.semantic.selects import is_grouped

_LONGEST = 10_000  # characters of a query
_MOST_CALLS = 20  # each has a query of its own, that may be as long as the whole


@dataclass(frozen=True)
class Prepared:
    """What to run: the gathering queries in turn, each answered before the next; then `query`.

    Args:
        partial: whether `query` is a list whose calls may be answered for the first rows alone.
    """

    query: str
    gathers: tuple[Gather, ...]
    aggregate: Aggregate | None
    partial: bool


def prepare(query: str) -> Prepared | None:
    """What it takes to run a query; None where it has no semantic calls, or is none that can be parsed: whoever runs
    it will say what is wrong.

    Raises:
        Unfit: a semantic call has arguments, or stands in a place, that cannot be gathered for.
    """
    if len(query) > _LONGEST:
        raise Unfit(f"a query with semantic functions may have {_LONGEST:,} characters")
    try:
        tree = sqlglot.parse_one(query, dialect=Dialect)
        if not calls_in(tree):
            return None
        scopes = traverse_scope(tree)
    except SqlglotError:
        return None
    except RecursionError:
        raise Unfit("a query with semantic functions may not be nested so deep") from None
    if not isinstance(tree, exp.Query):
        raise Unfit("semantic functions may stand in a SELECT")
    if len(calls_in(tree)) > _MOST_CALLS:
        raise Unfit(f"a query may have {_MOST_CALLS} semantic calls")
    by_select: dict[int, list[exp.Anonymous]] = {}
    for node in calls_in(tree):
        select = node.find_ancestor(exp.Select)
        if select is None:
            raise Unfit(f"{node.name}() may not order a UNION: put that into a SELECT around it")
        by_select.setdefault(id(select), []).append(node)
    gathers = tuple(
        gather
        for select in (scope.expression for scope in scopes)
        if isinstance(select, exp.Select)
        for gather in Gathering(select, by_select.get(id(select), [])).gathers()
    )
    alone = isinstance(tree, exp.Select) and set(by_select) == {id(tree)}
    return Prepared(
        query=query,
        gathers=gathers,
        aggregate=aggregate_of(tree) if alone else None,
        partial=alone and not is_grouped(tree),
    )


def as_json(prepared: Prepared) -> dict[str, Any]:
    """As the cell's side gets it."""

    def call(each: SemanticCall) -> dict[str, Any]:
        return {"function": each.function, "constants": each.constants}

    aggregate = prepared.aggregate
    return {
        "gathers": [call(gather.call) | {"query": gather.query} for gather in prepared.gathers],
        "partial": prepared.partial,
        "aggregate": aggregate
        and {
            "kind": aggregate.kind,
            "rows": aggregate.rows,
            "calls": [call(each) for each in aggregate.calls],
            "result": aggregate.result,
        },
    }
