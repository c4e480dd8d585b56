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

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import sqlglot
from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would tell a terminal of queries that it does not know

FUNCTIONS = frozenset({"judge", "classify", "extract", "answer"})
_AGGREGATES = {"COUNT": exp.Count, "SUM": exp.Sum, "AVG": exp.Avg, "MIN": exp.Min, "MAX": exp.Max}
_CAST: Any = cast("Any", SQLite.Parser).FUNCTION_PARSERS["CAST"]
_LONGEST = 10_000  # characters of a query
_MOST_CALLS = 20  # each has a query of its own, that may be as long as the whole
LONGEST_CONSTANT = 500  # characters of a question or a label
MOST_LABELS = 100


class Unfit(Exception):  # noqa: N818 - an answer to whoever wrote the query
    """The query cannot be prepared; the message says why."""


class Dialect(SQLite):
    """SQLite's, but that a function is a call of its name and no more: `extract` is ours, `search` may be a table.

    For whoever parses and writes queries that may have semantic calls: as SQLite's, `extract(text, 'it')` becomes
    `EXTRACT(TEXT FROM 'it')`.
    """

    class Parser(SQLite.Parser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {name: build.from_arg_list for name, build in _AGGREGATES.items()}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CAST": _CAST}


@dataclass(frozen=True)
class SemanticCall:
    """`text` is an SQL expression; the constants are what stands after it."""

    function: str
    text: str
    constants: tuple[str, ...]


@dataclass(frozen=True)
class Gather:
    """`query` has one column, the distinct texts that `call` is to be asked about."""

    call: SemanticCall
    query: str


@dataclass(frozen=True)
class Aggregate:
    """What a query comes to that is one number over many rows, so that a sample of them gives an estimate.

    Args:
        kind: whether the number is the sum or the mean of `y` over all rows; NULL counts for nothing.
        rows: a query with a row for each row of the population: `y`, a weight that it is at most (NULL where none is
            known), and the text of each call. Run before and after the calls are answered, its rows are the same.
        calls: in the order of their columns.
        result: the query with its number as `:estimate` and the number of rows as `:rows`.
    """

    kind: Literal["total", "mean"]
    rows: str
    calls: tuple[SemanticCall, ...]
    result: str


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
        if not _calls(tree):
            return None
        scopes = traverse_scope(tree)
    except SqlglotError:
        return None
    except RecursionError:
        raise Unfit("a query with semantic functions may not be nested so deep") from None
    if not isinstance(tree, exp.Query):
        raise Unfit("semantic functions may stand in a SELECT")
    if len(_calls(tree)) > _MOST_CALLS:
        raise Unfit(f"a query may have {_MOST_CALLS} semantic calls")
    by_select: dict[int, list[exp.Anonymous]] = {}
    for node in _calls(tree):
        select = node.find_ancestor(exp.Select)
        if select is None:
            raise Unfit(f"{node.name}() may not order a UNION: put that into a SELECT around it")
        by_select.setdefault(id(select), []).append(node)
    gathers = tuple(
        gather
        for select in (scope.expression for scope in scopes)
        if isinstance(select, exp.Select)
        for gather in _Gathering(select, by_select.get(id(select), [])).gathers()
    )
    alone = isinstance(tree, exp.Select) and set(by_select) == {id(tree)}
    return Prepared(
        query=query,
        gathers=gathers,
        aggregate=_aggregate(tree) if alone else None,
        partial=alone and not _grouped(tree),
    )


def _calls(node: exp.Expr) -> list[exp.Anonymous]:
    return [call for call in node.find_all(exp.Anonymous) if call.name.lower() in FUNCTIONS]


def _call_of(node: exp.Anonymous) -> SemanticCall:
    """The call, checked."""
    name = node.name.lower()
    if len(node.expressions) < 2:
        raise Unfit(f"{name}() takes a text and what to ask about it, as in {name}(text, '...')")
    text, *constants = node.expressions
    if _calls(text) or text.find(exp.Query, *_AGGREGATES.values(), exp.Window):
        raise Unfit(f"the text of {name}() may be a column or an expression over columns of the row, no more")
    if not all(isinstance(constant, exp.Literal) for constant in constants):
        raise Unfit(f"after the text, {name}() takes plain literals in quotes, not {_sql(constants[0])}")
    values = tuple(str(constant.this) for constant in constants)
    if name == "classify" and len(values) == 1:  # all labels in one text
        values = tuple(label.strip() for label in values[0].split(",") if label.strip())
    if name == "classify" and not 2 <= len(values) <= MOST_LABELS:
        raise Unfit(f"classify() takes two labels or more, {MOST_LABELS} at most")
    if name != "classify" and len(values) != 1:
        raise Unfit(f"{name}() takes one text and one question")
    if len(set(values)) < len(values) or not all(value.strip() and len(value) <= LONGEST_CONSTANT for value in values):
        raise Unfit(f"questions and labels are different texts of 1 to {LONGEST_CONSTANT} characters")
    return SemanticCall(name, _sql(text), values)


class _Gathering:
    """The gathering queries of the calls that stand in one SELECT, not in one inside it."""

    def __init__(self, select: exp.Select, nodes: list[exp.Anonymous]) -> None:
        self._select, self._nodes = select, nodes

    def gathers(self) -> Iterator[Gather]:
        if not self._nodes:
            return
        if any(with_.args.get("recursive") for with_ in _withs(self._select)):
            raise Unfit("a semantic function may not stand in a recursive query")
        plain, semantic = _conditions(self._select)
        before, placed = list(plain), set[int]()
        for condition in (*_outer_conditions(self._select), *semantic):
            for node in _calls(condition):
                if any(node is own for own in self._nodes):
                    placed.add(id(node))
                    yield self._gather(node, before, pairs=_pairs(condition))
            if condition in semantic:
                before.append(condition)
        for node in self._nodes:
            if id(node) not in placed:
                yield self._gather(node, before, after=True)

    def _gather(
        self, node: exp.Anonymous, conditions: list[exp.Expr], *, pairs: bool = False, after: bool = False
    ) -> Gather:
        call = _call_of(node)
        text = node.expressions[0]
        if (
            after
            and self._select.args.get("limit")
            and not _grouped(self._select)
            and not _ordered_by_calls(self._select)
        ):
            inner = self._select.copy()
            inner.set("expressions", [*inner.expressions, exp.alias_(text.copy(), "_text")])
            inner.set("with_", None)
            outer = exp.select("_text").distinct().from_(inner.subquery("_rows"))
        elif pairs and (table := _table_of(text)):
            outer = self._over_one(table, text, conditions)
        else:
            outer = _bare(self._select, [text], conditions).distinct()
        return Gather(call, _sql(_within(self._select, outer)))

    def _over_one(self, table: str, text: exp.Expr, conditions: list[exp.Expr]) -> exp.Select:
        """A condition compares calls over two tables: to join these first would make every pair of rows."""
        sources = (self._select.args["from_"].this, *(join.this for join in self._select.args.get("joins", ())))
        source = next((each for each in sources if each.alias_or_name == table), None)
        if source is None:
            raise Unfit(f"there is no table {table!r} in the query")
        own = [each for each in conditions if all(column.table == table for column in each.find_all(exp.Column))]
        select = exp.select(text.copy()).distinct().from_(source.copy())
        return select.where(*(each.copy() for each in own)) if own else select


def _conditions(select: exp.Expr) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """The conditions that all must hold: those without semantic calls, and those with."""
    plain: list[exp.Expr] = []
    semantic: list[exp.Expr] = []
    inner = [join.args.get("on") for join in select.args.get("joins", ()) if not join.side]
    where = select.args.get("where")
    for condition in (*inner, where.this if where else None):
        for each in _conjuncts(condition):
            (semantic if _calls(each) else plain).append(each)
    return plain, semantic


def _outer_conditions(select: exp.Expr) -> list[exp.Expr]:
    """What is asked of outer joins: it leaves out no row."""
    return [join.args["on"] for join in select.args.get("joins", ()) if join.side and join.args.get("on")]


def _of_join(condition: exp.Expr) -> bool:
    return isinstance(condition.find_ancestor(exp.Join, exp.Select), exp.Join)


def _conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif condition is not None:
        yield condition


def _bare(select: exp.Expr, columns: Iterable[exp.Expr], conditions: Iterable[exp.Expr]) -> exp.Select:
    """These columns over what the SELECT joins, under these conditions of it."""
    bare = exp.select(*(column.copy() for column in columns))
    if source := select.args.get("from_"):
        bare.set("from_", source.copy())
    joins = [join.copy() for join in select.args.get("joins", ())]
    for join in joins:
        on = [each for each in _conjuncts(join.args.get("on")) if not _calls(each)]
        if join.args.get("on"):
            join.set("on", exp.and_(*(each.copy() for each in on)) if on else exp.true())
    bare.set("joins", joins)
    where = [condition.copy() for condition in conditions if _calls(condition) or not _of_join(condition)]
    return bare.where(*where) if where else bare


def _withs(select: exp.Expr) -> Iterator[exp.Expr]:
    """What WITH defines, inside first, for a SELECT and those around it."""
    node: exp.Expr | None = select
    while node is not None:
        if with_ := node.args.get("with_"):
            yield with_
        node = node.parent


def _within(select: exp.Expr, query: exp.Select) -> exp.Select:
    """The query with all that WITH defines before the place of the SELECT."""
    inside = {id(node) for node in _ancestors(select)}
    defined: dict[str, exp.Expr] = {}
    for with_ in _withs(select):
        before: list[exp.Expr] = []
        for table in with_.expressions:
            if id(table) in inside:
                break
            before.append(table)
        for table in reversed(before):
            defined.setdefault(table.alias, table)
    if defined:
        query.set("with_", exp.With(expressions=[table.copy() for table in reversed(defined.values())]))
    return query


def _ancestors(node: exp.Expr | None) -> Iterator[exp.Expr]:
    while node is not None:
        yield node
        node = node.parent


def _pairs(condition: exp.Expr) -> bool:
    return len({_table_of(call.expressions[0]) for call in _calls(condition) if call.expressions} - {""}) > 1


def _table_of(text: exp.Expr) -> str:
    """The one table whose columns an expression names; "" where it does not say."""
    tables = {column.table for column in text.find_all(exp.Column)}
    return tables.pop() if len(tables) == 1 else ""


def _grouped(select: exp.Expr) -> bool:
    """Whether a row of the result is not one of the rows that were found."""
    own = (node for column in select.expressions for node in column.find_all(*_AGGREGATES.values(), exp.Window))
    known = {"group_concat", "string_agg", "total", "median", "stddev", "variance", "json_group_array"}
    named = (node for column in select.expressions for node in column.find_all(exp.Anonymous))
    return bool(
        any(select.args.get(part) for part in ("group", "having", "distinct"))
        or any(node.find_ancestor(exp.Select) is select for node in own)
        or any(node.name.lower() in known for node in named)
    )


def _ordered_by_calls(select: exp.Expr) -> bool:
    order = select.args.get("order")
    return order is not None and bool(_calls(order))


# ---- one number over many rows


def _aggregate(tree: exp.Expr) -> Aggregate | None:
    """The number, where the query is one that a sample can estimate."""
    parts = ("group", "having", "distinct", "limit", "offset", "order", "windows")
    if any(tree.args.get(part) for part in parts) or len(tree.expressions) != 1:
        return None
    plain, semantic = _conditions(tree)
    if any(map(_of_join, semantic)):
        return None
    (column,) = tree.expressions
    found = [node for node in column.find_all(*_AGGREGATES.values()) if not _counts_rows(node) or semantic]
    if len(found) != 1 or (semantic and _calls(column)):
        return None
    number = found[0]
    y, weight, kind = _numbers(number, exp.and_(*(each.copy() for each in semantic)) if semantic else None)
    if y is None:
        return None
    outside = [each for each in column.find_all(exp.Column) if each.find_ancestor(*_AGGREGATES.values()) is None]
    if outside or column.find(exp.Query, exp.Window):
        return None
    nodes = [node for condition in semantic for node in _calls(condition)] or _calls(column)
    rows = _bare(tree, [y, weight or exp.null(), *(node.expressions[0] for node in nodes)], plain)
    result = column.copy()
    for node in list(result.find_all(*_AGGREGATES.values())):
        name = "estimate" if node.sql() == number.sql() else "rows"
        new = exp.Placeholder(this=name)
        if node is result:
            result = new
        else:
            node.replace(new)
    if not result.alias:
        result = exp.alias_(result, _sql(column), quoted=True)
    return Aggregate(kind, _sql(_within(tree, rows)), tuple(map(_call_of, nodes)), _sql(exp.select(result)))


def _counts_rows(node: exp.Expr) -> bool:
    return isinstance(node, exp.Count) and isinstance(node.this, exp.Star | exp.Literal)


def _numbers(
    number: exp.Expr, condition: exp.Expr | None
) -> tuple[exp.Expr | None, exp.Expr | None, Literal["total", "mean"]]:
    """What each row adds to the number, and what it adds at most, where that is plain."""
    inside = number.this
    if isinstance(number, exp.Min | exp.Max) or isinstance(inside, exp.Distinct):
        return None, None, "total"
    if isinstance(number, exp.Count):
        holds = None if _counts_rows(number) else exp.Is(this=inside.copy(), expression=exp.Not(this=exp.null()))
        both = [each for each in (condition, holds) if each is not None]
        return exp.case().when(exp.and_(*both), "1").else_("0"), None, "total"
    if isinstance(number, exp.Avg):
        return (exp.case().when(condition, inside.copy()) if condition else inside.copy()), None, "mean"
    if condition is None:
        return inside.copy(), None, "total"
    return exp.case().when(condition, inside.copy()).else_("0"), inside.copy(), "total"


def _sql(node: exp.Expr) -> str:
    return node.sql(dialect=Dialect, normalize_functions=False)


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
