"""Checks and repairs an SQL query that a model wrote: resolves names, grounds literals, leaves out NULL groups.

The query is only parsed here, by sqlglot, which is Python; SQLite in the sandbox runs it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import errors as sqlglot_errors
from sqlglot import exp, parse

from rlm_local.collection import Reference, Table
from rlm_local.collection.mentions import Mention
from rlm_local.collection.values import fold
from rlm_local.engine.authors.asked import named_tables, years, years_in
from rlm_local.engine.authors.codes import name_codes
from rlm_local.engine.authors.degenerate import refuse_degenerate
from rlm_local.engine.authors.dialect import Calls, translate
from rlm_local.engine.authors.errors import BadProgram, ReadOnly
from rlm_local.engine.authors.grounding import Values, ground
from rlm_local.engine.authors.headings import add_headings
from rlm_local.engine.authors.items import spread
from rlm_local.engine.authors.names import Names
from rlm_local.engine.authors.unasked import drop_unasked, forget_clocks
from rlm_local.engine.semantic.calls import FUNCTIONS

_LONGEST = 4_000
_DEEPEST = 40
_PLACE = ("_document", "_start", "_end", "_place")


@dataclass(frozen=True)
class Query:
    """A query that can run.

    Attributes:
        sql: as the model means it.
        tried: the same, with what ranks its rows, as it is tried: another program may show that instead of the rows.
        named: as it will finally run, with names for codes in the result, and headings in words.
        notes: what was repaired, for the log and for a person.
        missing: literals that no row has, about which the result says nothing.
        semantic: whether a model has to be asked about rows.
        places: a query for the places of the rows that the result rests on; empty if there is none.
        truth: whether the result is one truth value.
    """

    sql: str
    tried: str
    named: str
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    semantic: bool = False
    places: str = ""
    truth: bool = False


def check(
    text: str,
    tables: Sequence[Table],
    question: str,
    values: Values,
    references: Sequence[Reference] = (),
    mentions: Sequence[Mention] = (),
) -> Query:
    """A model's text as a query over these tables.

    Args:
        mentions: values of the records that stand in the question.

    Raises:
        BadProgram: it is not a single SELECT, or names something that does not exist.
    """
    tree = _parsed(text)
    names = Names({table.name: table for table in tables}, references, named_tables(tables, question))
    names.resolve(tree)
    names.notes.extend(forget_clocks(tree, question, names.owner))
    translate(tree, names.owner)
    refuse_degenerate(tree, names)
    draft = _Draft(tree, names, values, names.notes)
    draft.look_up(question, mentions)
    draft.ground()
    names.notes.extend(drop_unasked(tree, question, names.owner))
    draft.add_year(question)
    draft.skip_nulls()
    semantic, places = bool(_asked(tree)), draft.places()
    names.notes.extend(spread(tree, names))
    return Query(
        sql=tree.sql(dialect="sqlite"),
        tried=_with_rank(tree).sql(dialect="sqlite"),
        named=add_headings(name_codes(tree, names) or tree).sql(dialect="sqlite"),
        notes=tuple(draft.notes),
        missing=tuple(draft.missing),
        semantic=semantic,
        places=places,
        truth=_asks_whether(tree),
    )


def _with_rank(tree: exp.Expr) -> exp.Expr:
    """The same query with the value that ranks its rows, where it shows one other column of the first ones."""
    order = tree.args.get("order")
    if not isinstance(tree, exp.Select) or order is None or not tree.args.get("limit") or tree.args.get("distinct"):
        return tree
    if len(tree.expressions) != 1 or len(order.expressions) != 1 or isinstance(tree.expressions[0], exp.Star):
        return tree
    rank = order.expressions[0].this
    shown = tree.expressions[0]
    if rank in (shown, shown.unalias()) or rank.name == shown.alias_or_name or isinstance(rank, exp.Literal):
        return tree
    return tree.copy().select(rank.copy(), copy=False)


def _asks_whether(tree: exp.Expr) -> bool:
    """Whether the query gives one truth value."""
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        return False
    value = tree.expressions[0].unalias()
    alone = tree.args.get("from_") is None and tree.args.get("from") is None
    whole = alone or value.find(exp.AggFunc) is not None
    return whole and isinstance(value, exp.Exists | exp.Predicate | exp.Connector | exp.Not)


def _parsed(text: str) -> exp.Select | exp.SetOperation:
    text = _unwrapped(text.strip().rstrip(";"))
    if len(text) > _LONGEST:
        raise BadProgram(f"the query has {len(text)} characters, at most {_LONGEST} are read")
    if _depth(text) > _DEEPEST:
        raise BadProgram("the query is nested too deep")
    try:
        try:
            trees = parse(text, dialect=Calls)
        except sqlglot_errors.SqlglotError:  # it lacks EXTRACT(YEAR FROM d)
            trees = parse(text, dialect="sqlite")
    except (sqlglot_errors.SqlglotError, RecursionError) as error:
        raise BadProgram(f"this is no SQL: {str(error).partition(chr(10))[0]}") from error
    if any(
        isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Drop | exp.Alter | exp.Create) for tree in trees
    ):
        raise ReadOnly
    if len(trees) != 1 or not isinstance(trees[0], exp.Select | exp.SetOperation):
        raise BadProgram("one SELECT is wanted")
    return trees[0]


def _unwrapped(text: str) -> str:
    """Without `FINAL(...)` around it: `FINAL(SELECT ...)` wraps SQL in the last line of a Python program."""
    if not (text.startswith("FINAL(") and text.endswith(")")):
        return text
    inner = text[len("FINAL(") : -1].strip()
    return inner if inner[:6].upper() == "SELECT" else f"SELECT {inner}"


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _asked(tree: exp.Expr) -> set[str]:
    """The functions in a query that a model answers."""
    functions = tree.find_all(exp.Func)
    return {node.name.lower() if isinstance(node, exp.Anonymous) else node.key for node in functions} & FUNCTIONS


@dataclass
class _Draft:
    """A query while it is being repaired, in place."""

    tree: exp.Expr
    names: Names
    values: Values
    notes: list[str]
    missing: list[str] = field(default_factory=list[str])

    # ---- values

    def look_up(self, question: str, mentions: Sequence[Mention]) -> None:
        """Replace a code that is not in the question by a look-up of the name that is: for a thing that the question
        names, a small model takes some code from the card."""
        folded = fold(question)
        for node, literal in list(_compared(self.tree)):
            owner = self.names.owner(node)
            if owner is None or not isinstance(literal.parent, exp.EQ) or fold(literal.name) in folded:
                continue
            table, column = owner
            named = [
                (reference, mention)
                for reference in self.names.references
                for mention in mentions
                if (reference.table, reference.column) == (table.name, column.name)
                and mention.table == reference.to_table
                and mention.column != reference.to_column
                and not mention.within
            ]
            if len(named) == 1:
                [(reference, mention)] = named
                name, code = (exp.column(each, table=mention.table) for each in (mention.column, reference.to_column))
                same = exp.EQ(this=name, expression=exp.Literal.string(mention.text))
                codes = exp.select(code).from_(exp.to_table(mention.table)).where(same)
                literal.parent.replace(exp.In(this=node.copy(), query=exp.Subquery(this=codes)))
                self.notes.append(f"the {column.name} of {mention.text!r} for {literal.name!r}")

    def ground(self) -> None:
        """Spell the texts that columns are compared with as the records do."""
        for node, literal in list(_compared(self.tree)):
            owner = self.names.owner(node)
            if owner is None or owner[1].type in ("number", "date", "time", "flag"):
                continue
            table, column = owner
            found = ground(literal.name, column, table, self.values)
            if found.within:
                self._contain(literal, found.value, column.unit if column.type == "list" else "")
            elif not found.known:
                if not self._elsewhere(node, literal, table):
                    self.missing.append(f"{column.name} = {literal.name}")
            elif found.value != literal.name:
                self.notes.append(f"{found.value!r} for {literal.name!r}")
                literal.replace(exp.Literal.string(found.value))
        for node in self.tree.find_all(exp.Like):
            self._pattern(node)

    def _elsewhere(self, node: exp.Expr, literal: exp.Literal, table: Table) -> bool:
        """Whether exactly one other column of the table has a value that this one lacks; then that column is meant."""
        if not isinstance(literal.parent, exp.EQ | exp.NEQ):
            return False
        folded = fold(literal.name)
        found = [
            (column.name, value)
            for column in table.columns
            if column.type == "category"
            for value in self.values(table.name, column.name, literal.name)
            if fold(value) == folded
        ]
        if len({name for name, _ in found}) != 1:
            return False
        name, value = found[0]
        self.notes.append(f"{name} for {node.name}, which has no {literal.name!r}")
        node.set("this", exp.to_identifier(name))
        literal.replace(exp.Literal.string(value))
        return True

    def _contain(self, literal: exp.Literal, value: str, separator: str) -> None:
        """If texts hold a value among others, as "drama, comedy" does, `= 'drama'` means that they hold it; in a list,
        as an item between separators."""
        node = literal.parent
        if isinstance(node, exp.EQ | exp.NEQ):
            other = (node.expression if node.this is literal else node.this).copy()
            if separator:
                edge = exp.Literal.string(separator)
                other = exp.DPipe(this=exp.DPipe(this=edge, expression=other), expression=edge.copy())
            pattern = exp.Literal.string(f"%{separator}{value}{separator}%")
            like = exp.Like(this=exp.paren(other) if separator else other, expression=pattern)
            node.replace(exp.Not(this=like) if isinstance(node, exp.NEQ) else like)
            self.notes.append(f"what holds {value!r}")

    def _pattern(self, node: exp.Like) -> None:
        """A pattern without wildcards means that the text holds it; dots with which the card cuts one are dropped."""
        pattern = node.expression
        if isinstance(pattern, exp.Literal) and pattern.is_string:
            plain = pattern.name.replace("...", "%").replace("\u2026", "%")
            plain = plain if "%" in plain or "_" in plain else f"%{plain}%"
            if plain != pattern.name:
                pattern.replace(exp.Literal.string(plain))

    def skip_nulls(self) -> None:
        """Leave out NULL, which is no group, no minimum, and no item of a list."""
        for select in self.tree.find_all(exp.Select):
            keys: list[exp.Expr] = []
            group, order = select.args.get("group"), select.args.get("order")
            if group is not None:
                aliases = {each.alias: each.this for each in select.expressions if isinstance(each, exp.Alias)}
                keys += [aliases.get(key.sql(), key) for key in group.expressions]
            elif order is not None and select.args.get("limit") is not None:
                keys += [by.this for by in order.expressions if isinstance(by.this, exp.Column)]
            elif select.args.get("distinct") is not None and len(select.expressions) == 1:
                keys += [select.expressions[0]]
            for key in keys:
                if self._is_of_a_row(key):
                    select.where(exp.Not(this=exp.Is(this=key.copy(), expression=exp.null())), copy=False)

    def _is_of_a_row(self, value: exp.Expr) -> bool:
        """Whether SQLite computes a value from the columns of one row alone."""
        columns = list(value.find_all(exp.Column))
        known = bool(columns) and all(map(self.names.owner, columns))
        return known and not value.find(exp.AggFunc, exp.Window, exp.Select) and not _asked(value)

    def add_year(self, question: str) -> None:
        """If a question names one year, and the table has one date, add the condition that rows are of that year."""
        asked = set(years(question))
        tree = self.tree
        scope, complete = self.names.scope(tree) if isinstance(tree, exp.Select) else ({}, False)
        if len(asked) != 1 or len(scope) != 1 or not complete or tree.args.get("joins") or years_in(tree.sql()):
            return
        [(alias, table)] = scope.items()
        dates = [column for column in table.columns if column.type in ("date", "time") and years_in(str(column.least))]
        if len(dates) == 1 and isinstance(tree, exp.Select):
            [year], day = asked, exp.column(dates[0].name, table=alias)
            first, after = (exp.Literal.string(f"{number}-01-01") for number in (year, int(year) + 1))
            tree.where(exp.GTE(this=day, expression=first), exp.LT(this=day.copy(), expression=after), copy=False)
            self.notes.append(f"of {year}, which the question names")

    # ---- places

    def places(self) -> str:
        """A query for the places of at most twenty rows of the first table that the result was made from.

        If a model was asked about documents, the query names them; who asked knows the places that the model read.
        """
        tree = self.tree
        if not isinstance(tree, exp.Select) or tree.find(exp.CTE) or tree.args.get("having") is not None:
            return ""
        dropped = () if tree.args.get("limit") else (exp.Group, exp.Order)
        kept = (node for node in tree.find_all(exp.Column) if not (dropped and node.find_ancestor(*dropped)))
        if any(self.names.owner(column) is None for column in kept):
            return ""  # what WITH or a subquery makes has no place
        scope, complete = self.names.scope(tree)
        if not scope or not complete:
            return ""
        first = next(iter(scope))
        asked = _asked(tree)
        of_documents = scope[first].name == "documents"
        if (not asked) if of_documents else "answer" in asked:
            return ""
        rows = tree.copy()
        for part in ("group", "order", "limit", "distinct", "offset"):
            rows.set(part, None)
        rows.set("expressions", [exp.column(name, table=first) for name in (("document",) if of_documents else _PLACE)])
        keys = (tree.args.get("group") or exp.Group()).expressions
        if len(keys) == 1 and keys[0].find(exp.Column) and tree.args.get("limit") is not None:
            best = tree.copy()
            best.set("expressions", [keys[0].copy()])
            rows.where(exp.In(this=keys[0].copy(), query=exp.Subquery(this=best)), copy=False)
        elif not keys and tree.args.get("order") is not None and tree.args.get("limit") is not None:
            rows.set("order", tree.args["order"].copy())
            rows.set("limit", tree.args["limit"].copy())
            return rows.sql(dialect="sqlite")
        return rows.limit(20).sql(dialect="sqlite")


def _compared(tree: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Literal]]:
    """Columns, and the texts that they are compared with by = or IN."""
    for node in tree.find_all(exp.EQ, exp.NEQ, exp.In):
        if isinstance(node, exp.In):
            yield from (
                (node.this, each) for each in node.expressions if isinstance(each, exp.Literal) and each.is_string
            )
            continue
        for one, other in ((node.this, node.expression), (node.expression, node.this)):
            if isinstance(other, exp.Literal) and other.is_string:
                yield one, other
