"""Turns a query with semantic calls into queries that gather the texts for them.

    judge(text, question)           whether the answer is yes: 1 or 0
    classify(text, label, ...)      the label that fits best
    extract(text, what)             what the text says about something, in its own words, or NULL
    answer(document, question)      what a document answers to a question, or NULL

The rest of a SELECT gathers the texts for a call in it: its joins, and all conditions that are plain or stand before
the call. So each condition saves the next one work, as in BlendSQL (arXiv 2509.20208). A call in the list of results is
asked about the rows that are left by all conditions and a LIMIT. A gathering query may itself have semantic calls,
which have been answered by the time it runs.
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
_MOST_CALLS = 20  # each has a query of its own, which may be as long as the whole


@dataclass(frozen=True)
class Prepared:
    """What to run: the gathering queries in turn, whose calls are answered before the next runs; then `query`.

    Args:
        partial: whether `query` makes a list, so that its calls may be answered for the first rows only.
    """

    query: str
    gathers: tuple[Gather, ...]
    aggregate: Aggregate | None
    partial: bool


def prepare(query: str) -> Prepared | None:
    """What to run for a query. None if it has no semantic calls, or cannot be parsed: running it will tell the error.

    Raises:
        Unfit: no texts can be gathered for a semantic call, because of its arguments or its place.
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
    """Plain data, for the cell's side."""

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
