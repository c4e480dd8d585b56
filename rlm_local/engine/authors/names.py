"""The names in a query: each has to be a table or column that exists; near spellings are corrected."""

import difflib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from rlm_local.collection import Column, Reference, Table
from rlm_local.engine.authors.errors import BadProgram

_SPELLING = 0.8
"""difflib's ratio from which a name is taken for a slip."""

_NAMED = 40
"""The most names that a message lists."""

_TEXT = Column("text", "text", "text", "", 0, 0, None, None, ())
"""The whole text of a document: a column of `documents` without statistics."""


@dataclass
class Names:
    """The tables and columns that a query over these tables speaks of; what was put right stands in `notes`.

    `asked` are the tables that the question names: its rows are theirs.
    """

    tables: Mapping[str, Table]
    references: Sequence[Reference] = ()
    asked: Container[str] = ()
    notes: list[str] = field(default_factory=list[str])

    def resolve(self, tree: exp.Expr) -> None:
        """Correct near spellings, in place.

        Raises:
            BadProgram: a name does not exist; the message lists those that do.
        """
        made = {cte.alias for cte in tree.find_all(exp.CTE)}
        for node in tree.find_all(exp.Table):
            if node.name not in made and node.name not in self.tables:
                self._rename(node, list(self.tables), "table")
        for select in list(tree.find_all(exp.Select)):
            self._move(select)
            self._resolve_columns(select)

    def owner(self, node: exp.Expr) -> tuple[Table, Column] | None:
        """The table and column that a node refers to; None if it is no column of these tables."""
        select = node.find_ancestor(exp.Select)
        if not isinstance(node, exp.Column) or select is None:
            return None
        scope, _ = self.scope(select)
        for table in [scope[node.table]] if node.table in scope else scope.values():
            column = column_of(table, node.name)
            if column:
                return table, column
        return None

    def scope(self, select: exp.Select) -> tuple[dict[str, Table], bool]:
        """The tables of a SELECT by their names in it, and whether they are all that its columns can refer to."""
        found: dict[str, Table] = {}
        complete = True
        sources = [select.args.get("from_") or select.args.get("from")]
        sources += list(select.args.get("joins") or [])
        for source in sources:
            node = source.this if source is not None else None
            table = self.tables.get(node.name) if isinstance(node, exp.Table) else None
            if table is None:
                complete = complete and source is None
            else:
                found[node.alias_or_name] = table  # pyright: ignore[reportOptionalMemberAccess]
        return found, complete and select.find_ancestor(exp.Select) is None

    def _move(self, select: exp.Select) -> None:
        """Take rows from the one table that has all columns of a query, where its own table has none of them, and the
        question does not name it."""
        scope, _ = self.scope(select)
        if len(scope) != 1 or select.args.get("joins"):
            return
        [(alias, own)] = scope.items()
        if own.name in self.asked:
            return
        columns = {
            node.name
            for node in select.find_all(exp.Column)
            if node.table in ("", alias) and node.find_ancestor(exp.Select) is select
        }
        if not columns or any(column_of(own, name) for name in columns):
            return
        others = [table for table in self.tables.values() if all(column_of(table, name) for name in columns)]
        if len(others) == 1:
            [table] = others
            for node in (*select.find_all(exp.Table), *select.find_all(exp.Column)):
                part = "this" if isinstance(node, exp.Table) else "table"
                if node.find_ancestor(exp.Select) is select and node.text(part) in (own.name, alias):
                    node.set(part, exp.to_identifier(table.name))
            self.notes.append(f"{table.name} for {own.name}, which has no {', '.join(sorted(columns))}")

    def _resolve_columns(self, select: exp.Select) -> None:
        outputs = {projection.alias for projection in select.expressions if projection.alias}
        for node in list(select.find_all(exp.Column)):
            if node.find_ancestor(exp.Select) is not select or isinstance(node.this, exp.Star):
                continue
            scope, complete = self.scope(select)
            if node.table and node.table not in scope:
                self._resolve_stray(node, select, scope, complete=complete)
                continue
            own = [scope[node.table]] if node.table else list(scope.values())
            if not any(column_of(table, node.name) for table in own) and (node.table or node.name not in outputs):
                self._resolve_unknown(node, select, scope, complete=complete)

    def _resolve_stray(
        self, node: exp.Column, select: exp.Select, scope: Mapping[str, Table], *, complete: bool
    ) -> None:
        """A column of a table that is not in FROM: of an outer query, of a table made on the way, or forgotten."""
        if complete and node.table in self.tables and not self._join(select, scope, node.name, {node.table}):
            raise BadProgram(f"{node.table} is not in FROM; join it, or leave {node.table}.{node.name} out")

    def _resolve_unknown(
        self, node: exp.Column, select: exp.Select, scope: Mapping[str, Table], *, complete: bool
    ) -> None:
        """A column that its tables do not have: a count, one of another table, or a slip."""
        own = {node.table: scope[node.table]} if node.table else scope
        if node.name.lower() == "count":
            self.notes.append("COUNT(*) for count")
            node.replace(exp.Count(this=exp.Star()))
        elif elsewhere := next((name for name, table in scope.items() if column_of(table, node.name)), ""):
            node.set("table", exp.to_identifier(elsewhere))
            self.notes.append(f"{node.name} is a column of {scope[elsewhere].name}")
        elif joined := self._join(select, own, node.name, self.tables):
            node.set("table", exp.to_identifier(joined))
        elif complete or node.table:
            columns = [column.name for table in own.values() for column in table.columns]
            self._rename(node, columns, "column", own.values())

    def _join(self, select: exp.Select, scope: Mapping[str, Table], column: str, others: Container[str]) -> str:
        """Join the one other table that has a column and that a table in scope refers to; its name, or nothing.

        Each row has one row there at most, so nothing is counted twice.
        """
        ways = [
            (name, reference)
            for name, table in scope.items()
            for reference in self.references
            if reference.table == table.name
            and reference.to_table in others
            and all(other.name != reference.to_table for other in scope.values())
            and column_of(self.tables[reference.to_table], column)
            and self._is_key(reference)
        ]
        if len(ways) != 1:
            return ""
        [(name, to)] = ways
        for node in select.find_all(exp.Column):  # what is there keeps its owner, whatever the other table has
            if not node.table and node.find_ancestor(exp.Select) is select and not isinstance(node.this, exp.Star):
                owner = next((alias for alias, table in scope.items() if column_of(table, node.name)), None)
                if owner:
                    node.set("table", exp.to_identifier(owner))
        on = exp.EQ(this=exp.column(to.column, table=name), expression=exp.column(to.to_column, table=to.to_table))
        select.join(exp.to_table(to.to_table), on=on, join_type="left", copy=False)
        self.notes.append(f"joined {to.to_table}, which has {column}")
        return to.to_table

    def _is_key(self, reference: Reference) -> bool:
        table = self.tables[reference.to_table]
        column = column_of(table, reference.to_column)
        return column is not None and column.distinct >= table.rows

    def _rename(self, node: exp.Table | exp.Column, names: Sequence[str], what: str, own: Iterable[Table] = ()) -> None:
        if near := nearest(node.name, names):
            self.notes.append(f"{what} {near} for {node.name}")
            node.set("this", exp.to_identifier(near))
            return
        there = ", ".join(names[:_NAMED])
        where = f" in {', '.join(table.name for table in own)}" if own else ""
        others = [table.name for table in self.tables.values() if own and column_of(table, node.name)]
        instead = f"; it is a column of {' and of '.join(others[:3])}" if others else f"; there are: {there}"
        raise BadProgram(f"there is no {what} {node.name}{where}{instead}")


def nearest(name: str, names: Sequence[str]) -> str:
    """The one of some names that a name is a slip of, or is; empty if none is near enough."""
    return next(iter(difflib.get_close_matches(name.lower(), names, n=1, cutoff=_SPELLING)), "")


def column_of(table: Table, name: str) -> Column | None:
    """The column of that name, in any case."""
    found = next((column for column in table.columns if column.name.lower() == name.lower()), None)
    return _TEXT if found is None and table.kind == "documents" and name.lower() == "text" else found
