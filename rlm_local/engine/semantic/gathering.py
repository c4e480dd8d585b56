"""The queries that gather the texts of the calls of one SELECT."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from rlm_local.engine.semantic.calls import SemanticCall, Unfit, call_of, calls_in, sql_of
from rlm_local.engine.semantic.selects import bare, conditions, is_grouped, within, withs


@dataclass(frozen=True)
class Gather:
    """`query` has one column: the distinct texts to ask `call` about."""

    call: SemanticCall
    query: str


class Gathering:
    """The gathering queries for the calls of one SELECT, without those of SELECTs inside it."""

    def __init__(self, select: exp.Select, nodes: list[exp.Anonymous]) -> None:
        self._select, self._nodes = select, nodes

    def gathers(self) -> Iterator[Gather]:
        if not self._nodes:
            return
        if any(with_.args.get("recursive") for with_ in withs(self._select)):
            raise Unfit("a semantic function may not stand in a recursive query")
        plain, semantic = conditions(self._select)
        before, placed = list(plain), set[int]()
        for condition in (*_outer_conditions(self._select), *semantic):
            for node in calls_in(condition):
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
        call = call_of(node)
        text = node.expressions[0]
        if (
            after
            and self._select.args.get("limit")
            and not is_grouped(self._select)
            and not _ordered_by_calls(self._select)
        ):
            inner = self._select.copy()
            inner.set("expressions", [*inner.expressions, exp.alias_(text.copy(), "_text")])
            inner.set("with_", None)
            outer = exp.select("_text").distinct().from_(inner.subquery("_rows"))
        elif pairs and (table := _table_of(text)):
            outer = self._over_one(table, text, conditions)
        else:
            outer = bare(self._select, [text], conditions).distinct()
        return Gather(call, sql_of(within(self._select, outer)))

    def _over_one(self, table: str, text: exp.Expr, conditions: list[exp.Expr]) -> exp.Select:
        """Gathers from one table alone: if a condition compares calls over two tables, a join would make every pair."""
        sources = (self._select.args["from_"].this, *(join.this for join in self._select.args.get("joins", ())))
        source = next((each for each in sources if each.alias_or_name == table), None)
        if source is None:
            raise Unfit(f"there is no table {table!r} in the query")
        own = [each for each in conditions if all(column.table == table for column in each.find_all(exp.Column))]
        select = exp.select(text.copy()).distinct().from_(source.copy())
        return select.where(*(each.copy() for each in own)) if own else select


def _outer_conditions(select: exp.Expr) -> list[exp.Expr]:
    """The conditions of outer joins, which leave out no row."""
    return [join.args["on"] for join in select.args.get("joins", ()) if join.side and join.args.get("on")]


def _pairs(condition: exp.Expr) -> bool:
    return len({_table_of(call.expressions[0]) for call in calls_in(condition) if call.expressions} - {""}) > 1


def _table_of(text: exp.Expr) -> str:
    """The one table whose columns an expression names; "" if that cannot be told."""
    tables = {column.table for column in text.find_all(exp.Column)}
    return tables.pop() if len(tables) == 1 else ""


def _ordered_by_calls(select: exp.Expr) -> bool:
    order = select.args.get("order")
    return order is not None and bool(calls_in(order))
