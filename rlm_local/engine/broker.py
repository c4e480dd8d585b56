"""The broker: every host call of a cell is checked, priced, reserved, carried out and logged here."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, cast

from rlm_local.collection.view import View
from rlm_local.engine.answer import Basis, Ended
from rlm_local.engine.batches import Batch, Batches
from rlm_local.engine.budget import Refused
from rlm_local.engine.child import AT_ONCE, Ask, Spawn
from rlm_local.engine.cited import Cited
from rlm_local.engine.leaves import (
    CHECK_VERSION,
    CHECKED,
    WANTED,
    check_prompt,
    query_prompt,
    wanted_prompt,
    wants_yes_or_no,
)
from rlm_local.engine.notes import Notebook
from rlm_local.engine.passages import Passages
from rlm_local.engine.reading import REPLY_TOKENS, Reading, read
from rlm_local.engine.result import Result
from rlm_local.engine.semantic import Asking, Desk, Said, costs
from rlm_local.engine.typed import AnswerSchema, MisfitError
from rlm_local.models.errors import GrammarError
from rlm_local.toolbox.estimate import Estimate
from rlm_policy import DOUBTED, readings_of, share
from rlm_sandbox import HostCallRefused

_EVIDENCE = 20
_MOST_PASSAGES = 100
_QUERY_TOKENS = 256
_NAME = 40
_MOST_NOTES = 5
_MOST = 1e15
"""The largest number that a note may have: a cell may say anything."""


@dataclass(frozen=True)
class Final:
    """What a cell ended its node with. Places are spans, in characters, of the node's context."""

    answer: str
    value: Any
    found: bool
    places: tuple[tuple[int, int], ...] = ()


@dataclass
class Broker:
    """The host's side of one node's session.

    Attributes:
        batches: the node's leaf calls.
        view: what the node looks at.
        passages: the passages that were searched for.
        spawn: runs children.
        schema: what the answer has to fit, if anything.
        deepest: how many levels below the node there were children.
        final: set once a cell has ended the node.
        so_far: what there is to show if the node is stopped before that.
        misfit: why the last answer did not fit the schema; empty if it did.
        confidence: the probability that the final answer is right, if it is what was read last; else None.
    """

    batches: Batches
    view: View
    passages: Passages
    spawn: Spawn
    schema: AnswerSchema | None = None
    deepest: int = 0
    final: Final | None = None
    so_far: Final | None = None
    misfit: str = ""
    confidence: float | None = None
    _last_read: tuple[str, float | None] = ("", None)
    """The answer that was read last, and how likely it is right."""

    _noted: list[tuple[int, str, Estimate | None]] = field(default_factory=list[tuple[int, str, Estimate | None]])
    """What is to be said beside a result: the turn, the words, and the estimate if it is one."""

    _sure: list[float] = field(default_factory=list[float])
    """How sure the model was of each item that it judged, classified or read: a probability."""

    def __post_init__(self) -> None:
        self._cited = Cited(self.view)

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The host calls by the names that the toolbox uses."""
        return {
            **self._desk().calls(),
            **self._notebook().calls(),
            "search": self._search,
            "read": self._read,
            "llm_query": self._llm_query,
            "rlm_query": self._rlm_query,
            "final": self._final,
        }

    def _search(self, words: Any, k: Any) -> list[list[Any]]:
        if not isinstance(k, int) or not 0 < k <= _MOST_PASSAGES:
            raise HostCallRefused(f"k is a number from 1 to {_MOST_PASSAGES}")
        found = self.passages.search(_text(words, "the words"), k)
        return [[p.document, p.heading, p.place, p.text, p.start, p.end] for p in found]

    # ---- leaf calls

    def _judged(self, said: Sequence[Said]) -> None:
        self._sure += [each.sure for each in said]

    def _llm_query(self, prompts: Any) -> list[str]:
        asked = [query_prompt(text) for text in _texts(prompts, "the prompts")]
        batch = Batch("query", f"ask the model {len(asked)} times", asked, reply_tokens=_QUERY_TOKENS)
        return [generation.text for generation in self.batches.write(batch)]

    def _read(self, question: Any, passages: Any, whole: Any = False) -> dict[str, Any]:
        question = _text(question, "the question")
        spans = [self._span(pair) for pair in _list(passages, "the passages")]
        if not spans:
            return {"answer": "", "found": False, "evidence": [], "sure": 0.0}
        so_or_not = self._wants_yes_or_no(question)
        task = read(self.batches.model, self.passages, question, spans, whole=bool(whole), so_or_not=so_or_not)
        [reading] = self.batches.run(
            Batch("extract", f"read {len(task.shown)} passages: {question}", [task.prompt], reply_tokens=REPLY_TOKENS),
            lambda _done: [task.decode(self.batches.cancel)],
            Reading.data,
        )
        self._sure.append(math.exp(max(reading.logprobs)))
        if not reading.found:
            return {**reading.data(), "sure": 0.0}
        passage = None if reading.passage is None else task.shown[reading.passage].told
        sure = self._sure_of(passage, question, reading.answer)
        self._last_read = reading.answer, sure
        return {**reading.data(), "found": sure >= DOUBTED, "sure": sure}

    def _sure_of(self, passage: str | None, question: str, answer: str) -> float:
        """The probability that what was read is right: the model is shown the passage once more, by itself. Sentences,
        which come of several passages, are not checked."""
        readings = readings_of(self.batches.model.name, CHECK_VERSION)
        if passage is None:
            return readings.sentences
        claim = check_prompt(passage, question, answer)
        batch = Batch("choose", f"check what was read: {answer}", [claim], options=CHECKED)
        right, wrong = self.batches.choose(batch)[0].logprobs
        return round(share(readings.words.of(right=right - wrong)), 4)

    def _wants_yes_or_no(self, question: str) -> bool:
        asked = Batch("choose", "see what kind of answer is wanted", [wanted_prompt(question)], options=WANTED)
        return wants_yes_or_no(self.batches.choose(asked)[0])

    # ---- children

    def _rlm_query(self, questions: Any, parts: Any) -> list[dict[str, Any]]:
        texts, given = _texts(questions, "the questions"), _list(parts, "the parts")
        if not texts or len(texts) != len(given):
            raise HostCallRefused(f"{len(texts)} questions of {len(given)} parts: give one for each")
        asks = [self._ask(question, part) for question, part in zip(texts, given, strict=True)]
        return [ask.seen(result) for ask, result in zip(asks, self._children(asks), strict=True)]

    def _children(self, asks: Sequence[Ask]) -> list[Result]:
        try:
            results = self.spawn(self.batches.say, self.batches.turn, self.batches.budget, asks)
        except Refused as refusal:
            self.batches.refuse(refusal, f"{len(asks)} parts, by child nodes")
            raise HostCallRefused(str(refusal)) from refusal
        self.deepest = max(self.deepest, *(1 + result.usage.depth for result in results))
        self._pace(results)
        for ask, result in zip(asks, results, strict=True):
            self.batches.unseen += [f"{ask.label}: {what}" for what in result.unseen]
            if result.ended is not Ended.ANSWERED and not result.unseen:
                self.batches.unseen.append(f"{ask.label}: {result.error or result.ended}")
            self._sure += [result.basis.sure] * result.basis.judged
            if result.found:
                self._cited.add(ask.origins(result.places))
        return results

    def _pace(self, results: Sequence[Result]) -> None:
        """Count children towards the pace, as texts are: several of them run at once."""
        tokens = sum(result.usage.prompt_tokens + result.usage.completion_tokens for result in results)
        seconds = sum(result.usage.seconds for result in results) / min(AT_ONCE, len(results))
        self.batches.pace.add(tokens, seconds)

    def _ask(self, question: str, part: Any) -> Ask:
        try:
            match part:
                case {"label": str(label), "spans": spans}:
                    pairs = [self._span(pair) for pair in _list(spans, "the spans of a part")]
                    return Ask.of_spans(question, label, self.view, pairs)
                case {"label": str(label), "text": str(text)}:
                    return Ask.of_text(question, label, self.view, text)
                case _:
                    raise HostCallRefused("a part is a label and spans of the context, or a text")
        except ValueError as error:
            raise HostCallRefused(str(error)) from error

    # ---- semantic functions of SQL

    def _desk(self) -> Desk:
        asking = Asking(self.batches, self._answers, self._judged)
        return Desk(asking, partial(costs, self.batches.model, self.view), self._note)

    def _answers(self, question: str, names: Sequence[str]) -> list[Said]:
        """What a child says about each document; for a name that no document has, nothing."""
        found = {name: document for name in names if (document := self.view.named(name))}
        asks = [Ask.of_spans(question, name, self.view, [(each.start, each.end)]) for name, each in found.items()]
        results = dict(zip(found, self._children(asks) if asks else [], strict=True))
        return [_said_by(results.get(name)) for name in names]

    # ---- notes

    def _notebook(self) -> Notebook:
        return Notebook(self.batches, self.view, self._children, self._span, self._keep, self._tell)

    def _keep(self, text: str, places: Sequence[tuple[int, int]]) -> None:
        """Remember what there would be to show if the run were stopped now."""
        self.so_far = Final(text, text, found=True, places=tuple(places)) if text else None

    def _tell(self, told: str) -> None:
        self._noted.append((self.batches.turn, told, None))

    def _note(self, what: Mapping[str, Any]) -> None:
        """Keep what is to be said beside the result of a query: that it is an estimate, or what was not looked at."""
        match what:
            case {"unseen": {"function": str(function), "looked_at": seen, "texts": texts}}:
                seen, texts = _count(seen), _count(texts)
                told = f"{texts - seen:,} of {texts:,} texts that {function[:_NAME]}() was to look at"
                self.batches.unseen.append(told)
                self._tell(f"without {told}")
            case {"estimate": {"value": value, "low": low, "high": high, "sampled": sampled, "rows": rows}}:
                estimate = Estimate(_number(value), _number(low), _number(high), _count(sampled), _count(rows))
                between = f"{_plain(estimate.low)} to {_plain(estimate.high)}"
                told = f"estimated: {between}, {estimate.sampled:,} of {estimate.rows:,} rows were looked at"
                self._noted.append((self.batches.turn, told, estimate))
            case _:
                raise HostCallRefused("a note is of an estimate, or of what was not looked at")

    # ---- the end

    def _final(self, answer: Any, found: Any, evidence: Any, value: Any = None) -> None:
        given = [self._span(pair) for pair in _list(evidence, "the evidence")[:_EVIDENCE]]
        answer = _text(answer, "the answer").strip()
        if self.final is None:
            data = answer if value is None else value
            places = islice(self._cited.for_answer(given, data), _EVIDENCE) if found and answer else given
            if self.schema and found:
                data = self._typed(self.schema, answer, data)
            noted = dict.fromkeys(told for turn, told, _ in self._noted if turn == self.batches.turn)
            told = "; ".join([*noted][:_MOST_NOTES])
            self.final = Final(f"{answer} ({told})" if told else answer, data, bool(found), tuple(places))
            read, sure = self._last_read
            self.confidence = sure if read.strip() == answer else None

    def _typed(self, schema: AnswerSchema, answer: str, value: Any) -> Any:
        """The value in the schema's form: made by code, else by the model under the schema's grammar, else refused."""
        try:
            return schema.fit(value)
        except MisfitError as error:
            self.misfit = f"the answer {answer[:80]!r} does not fit the schema: {error}"
        try:
            prompt = schema.prompt(answer)
            batch = Batch("query", "put the answer into its form", [prompt], reply_tokens=_QUERY_TOKENS)
            [made] = self.batches.write(batch, schema.grammar)
            return schema.fit(made.text)
        except (GrammarError, ValueError) as error:
            raise HostCallRefused(self.misfit) from error

    def basis(self) -> Basis:
        """What the answer rests on, so far."""
        judged = len(self._sure)
        sure = sum(self._sure) / judged if judged else 1.0
        estimates = [each for turn, _, each in self._noted if each and turn == self.batches.turn]
        if len(estimates) != 1:
            return Basis(0, judged, round(sure, 4))
        return Basis(estimates[0].rows, judged, round(sure, 4), estimates[0].low, estimates[0].high)

    # ---- checks

    def _span(self, pair: Any) -> tuple[int, int]:
        """A span that a cell gave, checked, because the cell is model-written."""
        match pair:
            case [int(start), int(end)] if 0 <= start <= end <= len(self.view.context):
                return start, end
            case [int(document), start, end]:
                return self._row(document, start, end)
            case _:
                raise HostCallRefused(f"{pair!r} is not a place in the documents")

    def _row(self, number: int, start: Any, end: Any) -> tuple[int, int]:
        """The place of a row in its document; the whole document if the row has no place."""
        document = self.view.document(number)
        if document is None:
            raise HostCallRefused(f"there is no document {number}")
        if not isinstance(start, int) or not isinstance(end, int):
            return document.start, document.end
        first = min(document.start + max(0, start), document.end)
        return first, max(first, min(document.start + end, document.end))


def _said_by(result: Result | None) -> Said:
    """A child's answer as a value; yes and no in one spelling."""
    if result is None or not result.found:
        return Said(None, 1.0)
    bare = result.answer.strip().rstrip(".").casefold()
    return Said(bare if bare in ("yes", "no") else result.answer, result.basis.sure)


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or not abs(value) < _MOST:
        raise HostCallRefused("an estimate is a number between two others")
    return float(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise HostCallRefused("rows and texts are counted")
    return value


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,.4g}"


def _list(value: Any, what: str) -> list[Any]:
    """A list that a cell gave, checked, because the cell is model-written."""
    if not isinstance(value, list):
        raise HostCallRefused(f"{what} must be a list, not {type(value).__name__}")
    return cast("list[Any]", value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise HostCallRefused(f"{what} must be a string, not {type(value).__name__}")
    return value


def _texts(value: Any, what: str) -> list[str]:
    return [_text(each, f"each of {what}") for each in _list(value, what)]
