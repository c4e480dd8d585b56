"""Candidates: the programs that a model writes for one question, checked and tried."""

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rlm_local.collection import Table
from rlm_local.engine.authors.cells import query_cell
from rlm_local.engine.authors.choose import Candidate, Choice, choose
from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.grounding import Values
from rlm_local.engine.authors.prompt import Asking, Dialect, Look, opening
from rlm_local.engine.authors.query import check
from rlm_local.engine.authors.trial import Trials
from rlm_local.engine.broker import price_of
from rlm_local.engine.budget import Budget
from rlm_local.models import Cancel, Generation, Model, Prompt
from rlm_policy import State

_PROGRAM_TOKENS = 240
_DIALECTS: tuple[Dialect, ...] = ("sql", "python")
_SAMPLES: tuple[Dialect, ...] = ("sql", "sql", "sql", "python", "python")
"""What is sampled where the two likeliest programs differ: one batch, which shares the prompt."""

_TEMPERATURE = 0.6
_MOST_ROWS = 200_000
"""Of a table whose rows Python goes through one by one in a trial; a larger one is for SQL."""

_TOOLS = frozenset("FINAL sql search read judge classify extract answer documents llm_query rlm_query".split())


@dataclass
class Candidates:
    """Writes programs for the question of one node."""

    model: Model
    asking: Asking
    tables: Sequence[Table]
    values: Values
    trials: Trials
    budget: Budget

    def of_tables(self, state: State, cancel: Cancel) -> tuple[Choice | None, list[Candidate], Prompt]:
        """The program that most speaks for, all that were tried, and the prompt of the first."""
        small = all(table.rows <= _MOST_ROWS for table in self.tables)
        dialects: list[Dialect] = [dialect for dialect in _DIALECTS if dialect == "sql" or small]
        prompts = [self.asking.prompt(opening("tables", dialect)) for dialect in dialects]
        tried = self._write(dialects, prompts, state, cancel)
        failed = [candidate for candidate in tried if candidate.error]
        if failed:
            tried += self._again(failed, state, cancel)
        choice = choose(tried)
        if choice is None or not choice.across or not choice.candidate.found:
            sampled: list[Dialect] = [dialect for dialect in _SAMPLES if dialect in dialects]
            again = [self.asking.prompt(opening("tables", dialect)) for dialect in sampled]
            tried += self._write(sampled, again, state, cancel, temperature=_TEMPERATURE)
        return choose(tried), tried, prompts[0]

    def semantic(self, look: Look, state: State, cancel: Cancel) -> Candidate | None:
        """A query that asks a model about each row or document, checked; None where none can run."""
        prompt = self.asking.prompt(opening(look, "sql"))
        [made] = self._generate([prompt], 0.0, cancel)
        candidate = self._checked("sql", made, state.question, greedy=True)
        return None if candidate.error else candidate

    def _again(self, failed: Sequence[Candidate], state: State, cancel: Cancel) -> list[Candidate]:
        """Programs that failed, written once more by a model that is told why."""
        prompts = [
            self.asking.prompt(
                opening("tables", candidate.dialect),
                (f"{opening('tables', candidate.dialect)}{candidate.text}\n```", candidate.error),
            )
            for candidate in failed
        ]
        return self._write([candidate.dialect for candidate in failed], prompts, state, cancel)

    def _write(
        self,
        dialects: Sequence[Dialect],
        prompts: Sequence[Prompt],
        state: State,
        cancel: Cancel,
        temperature: float = 0.0,
    ) -> list[Candidate]:
        written = self._generate(prompts, temperature, cancel)
        known: dict[tuple[str, str], Candidate] = {}
        candidates: list[Candidate] = []
        for dialect, made in zip(dialects, written, strict=True):
            key = dialect, made.text.strip()
            if key not in known:
                cancel.check()
                known[key] = self._tried(self._checked(dialect, made, state.question, greedy=not temperature))
            candidates.append(known[key])
        return candidates

    def _generate(self, prompts: Sequence[Prompt], temperature: float, cancel: Cancel) -> list[Generation]:
        with self.budget.reserve(price_of(self.model, prompts, _PROGRAM_TOKENS)) as receipt:
            made = self.model.generate(
                prompts, max_tokens=_PROGRAM_TOKENS, stop=("```",), temperature=temperature, seed=1, cancel=cancel
            )
            for generation in made:
                receipt.tokens += generation.usage
            receipt.calls = len(made)
        return made

    def _checked(self, dialect: Dialect, made: Generation, question: str, *, greedy: bool) -> Candidate:
        text = made.text.strip()
        likely = made.logprob / max(1, len(made.token_ids))
        candidate = Candidate(dialect, text, greedy=greedy, logprob=likely)
        try:
            if dialect == "python":
                return replace(candidate, cell=_python(text, self.tables))
            query = check(text, self.tables, question, self.values)
        except BadProgram as error:
            return replace(candidate, error=str(error))
        return replace(
            candidate, cell=query_cell(query), notes=query.notes, missing=query.missing, semantic=query.semantic
        )

    def _tried(self, candidate: Candidate) -> Candidate:
        if candidate.error or candidate.semantic:
            return candidate
        tried = self.trials.run(candidate.cell)
        return replace(candidate, outcome=tried.outcome, error=tried.error)


def _python(text: str, tables: Sequence[Table]) -> str:
    """A Python program whose names are all there.

    Raises:
        BadProgram: it cannot be parsed, or uses a name that nothing gives it.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadProgram(f"this is no Python: {error}") from error
    given = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    given |= {arg.arg for arg in ast.walk(tree) if isinstance(arg, ast.arg)}
    given |= {
        a.asname or a.name.partition(".")[0]
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    }
    given |= {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and node.name
    }
    known = given | set(dir(builtins)) | _TOOLS | {table.name for table in tables}
    used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    unknown = next((name for name in used if name not in known), None)
    if unknown:
        raise BadProgram(f"there is no {unknown}; there are the tables {', '.join(table.name for table in tables)}")
    return ast.unparse(_Equality().visit(tree))


class _Equality(ast.NodeTransformer):
    """`x is None` as `x == None`: what a row does not give is equal to None, and another object (toolbox.missing)."""

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        changed: dict[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.Eq(), ast.IsNot: ast.NotEq()}
        for place, operator in enumerate(node.ops):
            if any(isinstance(side, ast.Constant) and side.value is None for side in sides[place : place + 2]):
                node.ops[place] = changed.get(type(operator), operator)
        return node
