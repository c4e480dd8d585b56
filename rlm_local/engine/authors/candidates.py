"""Candidates: the programs that a model writes for one question, each checked and tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rlm_local.collection import Reference, Table
from rlm_local.collection.mentions import Mention
from rlm_local.engine.authors.asked import unused
from rlm_local.engine.authors.cells import notes_cell, query_cell, whether_cell
from rlm_local.engine.authors.choose import Candidate, Choice, choose
from rlm_local.engine.authors.errors import BadProgram, ReadOnly
from rlm_local.engine.authors.grounding import Values
from rlm_local.engine.authors.outcome import Outcome
from rlm_local.engine.authors.prompt import VERDICTS, Asking, Dialect, Look, opening
from rlm_local.engine.authors.python import check_python, is_phrase, is_python
from rlm_local.engine.authors.query import check
from rlm_local.engine.authors.texts import texts_of
from rlm_local.engine.authors.trial import Trials
from rlm_local.engine.batches import price_of
from rlm_local.engine.budget import Budget
from rlm_local.engine.leaves import WANTED, wanted_prompt, wants_yes_or_no
from rlm_local.engine.notes import Length
from rlm_local.models import Cancel, Generation, Model, Prompt
from rlm_policy import Confidence, State

_PROGRAM_TOKENS = 240
_DIALECTS: tuple[Dialect, ...] = ("sql", "python")
_SAMPLES: tuple[tuple[Dialect, int], ...] = (("sql", 3), ("python", 2))
"""How many programs are sampled: in SQL if no result so far is sure enough, then in Python if none found anything."""

_TEMPERATURE = 0.6
_JUDGES: Mapping[Look, str] = {
    "each row": "it judges no row by its meaning: use judge(column, 'question')",
    "each document": "it asks no document: use answer(document, 'question')",
}
_WHOLE_ROW = "this is a whole row with all that its table has: return only what the question asks for"
_OF_SQL = frozenset(("SELECT", "DELETE", "UPDATE", "INSERT"))
_MOST_ROWS = 200_000
"""Rows of a table up to which Python is tried, since it goes through them one by one; larger tables are for SQL."""


@dataclass
class Candidates:
    """Writes programs for the question of one node."""

    model: Model
    asking: Asking
    tables: Sequence[Table]
    references: Sequence[Reference]
    values: Values
    mentions: Sequence[Mention]
    trials: Trials
    budget: Budget
    adapters: Mapping[str, float]
    """LoRA adapters under which programs are written: the same as those under which the look is chosen."""

    confidence: Confidence
    """How sure each kind of result is, and what is sure enough."""

    named: tuple[str, ...]
    """Tables, columns of marks, and years that the question names, and so a program has to use."""

    _whether: bool | None = None
    """Whether the question wants yes or no, once the model was asked."""

    def of_tables(self, state: State, cancel: Cancel) -> tuple[Choice | None, list[Candidate]]:
        """The program with the most evidence for it, and all that were tried."""
        small = all(table.rows <= _MOST_ROWS for table in self.tables)
        dialects: list[Dialect] = [dialect for dialect in _DIALECTS if dialect == "sql" or small]
        prompts = [self.asking.prompt(opening("tables", dialect)) for dialect in dialects]
        tried = self._write(dialects, prompts, state, cancel)
        doubtful = [candidate for candidate in tried if candidate.trouble]
        if doubtful:
            tried += self._again(doubtful, state, cancel)
        for dialect, times in _SAMPLES:
            choice = self._choose(tried)
            enough = self.confidence.enough if dialect == "sql" else 0.0
            if choice is not None and choice.candidate.found and choice.confidence >= enough:
                break
            if dialect in dialects:
                again = [self.asking.prompt(opening("tables", dialect))] * times
                sampled: list[Dialect] = [dialect] * times
                tried += self._write(sampled, again, state, cancel, temperature=_TEMPERATURE)
        return self._choose(tried), tried

    def semantic(self, look: Look, state: State, cancel: Cancel) -> Candidate | None:
        """A checked query that asks a model about each row or document; None if the one that was written cannot run.

        If it asks no model, it is written once more. If that one cannot run or asks no model either, the first one
        stays: columns may hold it after all.
        """
        candidate = self._judging(look, None, state, cancel)
        if not candidate.error and not candidate.semantic:
            again = self._judging(look, (_reply(candidate, look), _JUDGES[look]), state, cancel)
            candidate = again if again.semantic else candidate
        if candidate.error:
            return None
        return replace(candidate, cell=whether_cell(candidate.cell)) if candidate.whether else candidate

    def _judging(self, look: Look, trouble: tuple[str, str] | None, state: State, cancel: Cancel) -> Candidate:
        prompt = self.asking.prompt(opening(look, "sql"), trouble)
        [made] = self._generate([prompt], 0.0, cancel)
        return self._checked("sql", made, state.question, greedy=True, whether=self._wants_yes_or_no(cancel))

    def notes(self, state: State, length: Length, cancel: Cancel) -> Candidate | None:
        """The program of a summary: notes of the texts that a query selects, or of all texts if the query cannot run.
        None if the query compares with a value that no row has."""
        question = state.question
        if state.documents == 1 and not state.fields:
            return Candidate("sql", "", cell=notes_cell(question, "", length))
        [generation] = self._generate([self.asking.prompt(opening("notes", "sql"))], 0.0, cancel)
        made, tokens = generation.text.strip(), generation.token_ids
        try:
            query = check(made, self.tables, question, self.values, self.references, self.mentions)
        except BadProgram as error:
            return Candidate("sql", made, tokens, notes_cell(question, "", length), error=str(error))
        cell = notes_cell(question, texts_of(query.sql), length)
        return None if query.missing else Candidate("sql", made, tokens, cell, notes=query.notes)

    def _wants_yes_or_no(self, cancel: Cancel) -> bool:
        if self._whether is None:
            prompt = wanted_prompt(self.asking.question)
            with self.budget.reserve(price_of(self.model, [prompt], 1)) as receipt:
                [scores] = self.model.choose([prompt], WANTED, cancel=cancel)
                receipt.tokens, receipt.calls = scores.usage, 1
            self._whether = wants_yes_or_no(scores)
        return self._whether

    def _choose(self, tried: Sequence[Candidate]) -> Choice | None:
        return choose(tried, self.confidence.programs)

    def _again(self, doubtful: Sequence[Candidate], state: State, cancel: Cancel) -> list[Candidate]:
        """Programs that failed or left something out, written once more by the model, which is told what was wrong."""
        prompts = [
            self.asking.prompt(opening("tables", candidate.dialect), (_reply(candidate), candidate.trouble))
            for candidate in doubtful
        ]
        return self._write([candidate.dialect for candidate in doubtful], prompts, state, cancel)

    def _write(
        self,
        dialects: Sequence[Dialect],
        prompts: Sequence[Prompt],
        state: State,
        cancel: Cancel,
        temperature: float = 0.0,
    ) -> list[Candidate]:
        written = self._generate(prompts, temperature, cancel)
        keys = list(zip(dialects, (made.text.strip() for made in written), strict=True))
        whether = self._wants_yes_or_no(cancel)
        known: dict[tuple[Dialect, str], Candidate] = {}
        for (dialect, text), made in zip(keys, written, strict=True):
            if (dialect, text) not in known:
                cancel.check()
                checked = self._checked(dialect, made, state.question, greedy=not temperature, whether=whether)
                known[dialect, text] = self._tried(checked)
        reviewed = dict(zip(known, self._reviewed(list(known.values()), cancel), strict=True))
        return [reviewed[key] for key in keys]

    def _reviewed(self, candidates: Sequence[Candidate], cancel: Cancel) -> list[Candidate]:
        """The same candidates, with how right the model finds each whose result is not empty."""
        replies = list(dict.fromkeys(_reply(each) for each in candidates if not each.empty))
        prompts = [prompt for reply in replies for prompt in self.asking.review(reply)]
        if not prompts:
            return list(candidates)
        with self.budget.reserve(price_of(self.model, prompts, 1)) as receipt:
            scored = self.model.choose(prompts, VERDICTS, adapters=self.adapters, cancel=cancel)
            for scores in scored:
                receipt.tokens += scores.usage
            receipt.calls = len(scored)
        nats = [scores.logprobs[0] - scores.logprobs[1] for scores in scored]  # two prompts for each reply
        right = {reply: (nats[2 * at] + nats[2 * at + 1]) / 2 for at, reply in enumerate(replies)}
        return [replace(each, right=right.get(_reply(each), 0.0)) for each in candidates]

    def _generate(self, prompts: Sequence[Prompt], temperature: float, cancel: Cancel) -> list[Generation]:
        with self.budget.reserve(price_of(self.model, prompts, _PROGRAM_TOKENS)) as receipt:
            made = self.model.generate(
                prompts,
                max_tokens=_PROGRAM_TOKENS,
                stop=("```",),
                temperature=temperature,
                seed=1,
                adapters=self.adapters,
                cancel=cancel,
            )
            for generation in made:
                receipt.tokens += generation.usage
            receipt.calls = len(made)
        return made

    def _checked(self, dialect: Dialect, made: Generation, question: str, *, greedy: bool, whether: bool) -> Candidate:
        text = made.text.strip()
        if text[:6].upper() in _OF_SQL:  # whatever the fence around it says
            dialect = "sql"
        elif is_python(text):
            dialect = "python"
        likely = made.logprob / max(1, len(made.token_ids))
        left_out = unused(self.named, text)
        candidate = Candidate(
            dialect, text, made.token_ids, greedy=greedy, logprob=likely, unused=left_out, whether=whether
        )
        try:
            if dialect == "python":
                cell = check_python(text, self.tables)
                return replace(candidate, trial=cell, cell=cell)
            query = check(text, self.tables, question, self.values, self.references, self.mentions)
        except BadProgram as error:
            return replace(candidate, error=str(error), changes=isinstance(error, ReadOnly))
        return replace(
            candidate,
            trial=query_cell(query),
            cell=query_cell(query, named=True),
            notes=query.notes,
            missing=query.missing,
            semantic=query.semantic,
            unused=unused(self.named, query.named),  # with the year and the names of codes that were put in
        )

    def _tried(self, candidate: Candidate) -> Candidate:
        if candidate.error or candidate.semantic:
            return candidate
        tried = self.trials.run(candidate.trial)
        given = tried.outcome
        if given is None:
            return replace(candidate, error=tried.error)
        if given.is_row_of([{column.name for column in table.columns} for table in self.tables]):
            return replace(candidate, error=_WHOLE_ROW)
        outcome = given.heard if candidate.whether else given
        if not outcome.truth and candidate.dialect == "python" and len(outcome.rows) == 1:
            [row] = outcome.rows
            if len(row) == 1 and is_phrase(candidate.text, row[0], self.asking.question):
                outcome = Outcome(())
        cell = whether_cell(candidate.cell) if candidate.whether and not given.truth else candidate.cell
        return replace(candidate, outcome=outcome, cell=cell)


def _reply(candidate: Candidate, look: Look = "tables") -> str:
    """What the model replied, whole."""
    return f"{opening(look, candidate.dialect)}{candidate.text}\n```"
