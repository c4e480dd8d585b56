"""Between a cell and what it asks for: every host call is checked, priced, reserved, carried out and logged here."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Protocol, TypeVar, cast

from rlm_local.collection.view import View
from rlm_local.corpus import Corpus, ItemSet
from rlm_local.engine.answer import Basis, Ended
from rlm_local.engine.budget import Budget, Price, Refused
from rlm_local.engine.child import Ask, Spawn
from rlm_local.engine.events import Voice
from rlm_local.engine.judging import sentences
from rlm_local.engine.leaves import choose_prompt, judge_prompt, query_prompt
from rlm_local.engine.passages import Passages, chunks
from rlm_local.engine.reading import Reading, read
from rlm_local.engine.records import Records
from rlm_local.engine.stored import StoredPassages
from rlm_local.engine.typed import AnswerSchema, MisfitError
from rlm_local.log import CallKind, CallRecord, RunLog
from rlm_local.models import NEUTRAL, Cancel, Generation, Message, Model, Prompt, PromptTooLong, Scores, Usage
from rlm_local.models.errors import GrammarError
from rlm_sandbox import HostCallRefused

_ITEM_TOKENS = 1200
_EVIDENCE = 20
_MOST_PASSAGES = 100
_QUERY_TOKENS = 256
_TURN_TOKENS = 8  # that a chat template adds to a message, at most


@dataclass(frozen=True)
class Final:
    """What a cell ended its node with; places are spans of the node's context, `over` the items counted over."""

    answer: str
    value: Any
    found: bool
    places: tuple[tuple[int, int], ...] = ()
    over: int = 0


class _Costed(Protocol):
    @property
    def usage(self) -> Usage: ...


_R = TypeVar("_R", bound=_Costed)


@dataclass(frozen=True)
class _Batch:
    """Leaf calls that are priced together; `what` is said to the listener, `neutral` calibrates them."""

    kind: CallKind
    what: str
    prompts: Sequence[Prompt]
    options: tuple[str, ...] = ()
    reply_tokens: int = 0
    neutral: Sequence[Prompt] = ()


@dataclass
class Broker:
    """The host side of one node's session.

    `turn` is the log's id of the turn that is running; `final` is set once a cell has ended the node; `refusal` is the
    last batch that the ledger did not hold; `unseen` names what therefore, or because it broke, was not looked at;
    `deepest` is how far below the node others were; `misfit` says why the last answer was not taken by `schema`.
    """

    model: Model
    corpus: Records
    passages: Passages | StoredPassages
    budget: Budget
    cancel: Cancel
    log: RunLog
    say: Voice
    spawn: Spawn
    turn: int = 0
    deepest: int = 0
    final: Final | None = None
    refusal: Refused | None = None
    schema: AnswerSchema | None = None
    misfit: str = ""
    unseen: list[str] = field(default_factory=list[str])
    _sure: list[float] = field(default_factory=list[float])
    """Of each item that a model judged, sorted or read."""

    def calls(self) -> dict[str, Callable[..., Any]]:
        """The host calls by the names that the toolbox uses."""
        return {
            "fields": self._fields,
            "item_set": self._item_set,
            "passages": self._passages,
            "search": self._search,
            "judge": self._judge,
            "choose": self._choose,
            "read": self._read,
            "llm_query": self._llm_query,
            "rlm_query": self._rlm_query,
            "final": self._final,
        }

    # ---- the corpus

    def _fields(self) -> dict[str, dict[str, str]]:
        return {s.name: {f.name: f.type for f in s.fields} for s in self._item_sets}

    def _item_set(self, name: str) -> dict[str, Any]:
        for item_set in self._item_sets:
            if item_set.name == name:
                columns = {f.name: list(f.values) for f in item_set.fields}
                return {"starts": list(item_set.starts), "ends": list(item_set.ends), "columns": columns}
        raise HostCallRefused(f"no item set {name!r}; there are {', '.join(s.name for s in self._item_sets)}")

    @property
    def _item_sets(self) -> Sequence[ItemSet]:
        return self.corpus.item_sets if isinstance(self.corpus, Corpus) else ()

    def _passages(self) -> dict[str, list[int]]:
        if isinstance(self.passages, StoredPassages):
            raise HostCallRefused("passages are searched for here: use search")
        return {"starts": list(self.passages.starts), "ends": list(self.passages.ends)}

    def _search(self, words: Any, k: Any) -> list[list[Any]]:
        if not isinstance(self.passages, StoredPassages):
            raise HostCallRefused("there is no index of words: use find")
        if not isinstance(k, int) or not 0 < k <= _MOST_PASSAGES:
            raise HostCallRefused(f"k is a number from 1 to {_MOST_PASSAGES}")
        found = self.passages.search(_text(words, "the words"), k)
        return [[p.document, p.heading, p.place, p.text, p.start, p.end] for p in found]

    # ---- leaf calls

    def _judge(self, question: Any, items: Any) -> list[bool]:
        """Each item is judged by its sentences, and as much of a yes as the best of them.

        The question comes first in the prompt, so that they cost about as much as the whole.
        """
        question = _text(question, "the question")
        pieces = [self._pieces(item) for item in _list(items, "the items")]
        parts = [[part for piece in each for part in sentences(piece)] for each in pieces]
        prompts = [judge_prompt(question, part) for each in parts for part in each]
        scores = iter(self._scored("judge", f"judge {len(parts)} items: {question}", prompts, ("yes", "no")))
        margins = [max(_odds(next(scores)) for _ in each) for each in parts]
        self._sure += [1 / (1 + math.exp(-min(abs(margin), 50.0))) for margin in margins]
        return [margin > 0 for margin in margins]

    def _choose(self, question: Any, options: Any, items: Any) -> list[int]:
        question, options = _text(question, "the question"), _texts(options, "the options")
        if len(options) < 2 or len(set(options)) < len(options) or not all(options):
            raise HostCallRefused("choose needs at least two options, all different and none empty")
        pieces = [self._pieces(item) for item in _list(items, "the items")]
        prompts = [choose_prompt(question, options, piece) for each in pieces for piece in each]
        neutral = [choose_prompt(question, options, text) for text in NEUTRAL]
        what = f"sort {len(pieces)} items: {question}"
        scores = iter(self._scored("choose", what, prompts, tuple(options), neutral))
        chances = [_averaged([next(scores) for _ in each]) for each in pieces]
        self._sure += [max(each) for each in chances]
        return [each.index(max(each)) for each in chances]

    def _scored(
        self,
        kind: CallKind,
        what: str,
        prompts: Sequence[Prompt],
        options: tuple[str, ...],
        neutral: Sequence[Prompt] = (),
    ) -> list[Scores]:
        """The options' scores for each prompt; one that is there several times (lines of a log) is asked once."""
        different = list(dict.fromkeys(prompts))
        scores = self._batch(
            _Batch(kind, what, different, options, reply_tokens=0 if kind == "judge" else 8, neutral=neutral),
            lambda done: self.model.choose(different, options, neutral=neutral, cancel=self.cancel, on_done=done),
            lambda scores: {"logprobs": list(scores.logprobs), "biased": list(scores.biased)},
        )
        of = dict(zip(different, scores, strict=True))
        return [of[prompt] for prompt in prompts]

    def _llm_query(self, prompts: Any) -> list[str]:
        asked = [query_prompt(text) for text in _texts(prompts, "the prompts")]
        made = self._batch(
            _Batch("query", f"ask the model {len(asked)} times", asked, reply_tokens=_QUERY_TOKENS),
            lambda done: self.model.generate(asked, max_tokens=_QUERY_TOKENS, cancel=self.cancel, on_done=done),
            _generated,
        )
        return [generation.text for generation in made]

    def _read(self, question: Any, passages: Any, whole: Any = False) -> dict[str, Any]:
        question = _text(question, "the question")
        spans = [self._span(pair) for pair in _list(passages, "the passages")]
        if not spans:
            return {"answer": "", "found": False, "evidence": []}
        task = read(self.model, self.passages, question, spans, whole=bool(whole))
        [reading] = self._batch(
            _Batch("extract", f"read {len(task.spans)} passages: {question}", [task.prompt], reply_tokens=64),
            lambda _done: [task.decode(self.cancel)],
            Reading.data,
        )
        self._sure.append(math.exp(max(reading.logprobs)))
        return reading.data()

    # ---- children

    def _rlm_query(self, questions: Any, parts: Any) -> list[dict[str, Any]]:
        texts, given = _texts(questions, "the questions"), _list(parts, "the parts")
        if not texts or len(texts) != len(given):
            raise HostCallRefused(f"{len(texts)} questions of {len(given)} parts: give one for each")
        asks = [self._ask(question, part) for question, part in zip(texts, given, strict=True)]
        try:
            results = self.spawn(self.say, self.turn, self.budget, asks)
        except Refused as refusal:
            self._refuse(refusal, f"{len(asks)} parts, by child nodes")
            raise HostCallRefused(str(refusal)) from refusal
        self.deepest = max(self.deepest, *(1 + result.usage.depth for result in results))
        for ask, result in zip(asks, results, strict=True):
            self.unseen += [f"{ask.label}: {what}" for what in result.unseen]
            if result.ended is not Ended.ANSWERED and not result.unseen:
                self.unseen.append(f"{ask.label}: {result.error or result.ended}")
            self._sure += [result.basis.sure] * result.basis.judged
        return [ask.seen(result) for ask, result in zip(asks, results, strict=True)]

    def _ask(self, question: str, part: Any) -> Ask:
        try:
            match part:
                case {"label": str(label), "spans": spans}:
                    pairs = [self._span(pair) for pair in _list(spans, "the spans of a part")]
                    return Ask.of_spans(question, label, self.corpus, pairs)
                case {"label": str(label), "text": str(text)}:
                    return Ask.of_text(question, label, self.corpus, text)
                case _:
                    raise HostCallRefused("a part is a label and spans of the context, or a text")
        except ValueError as error:
            raise HostCallRefused(str(error)) from error

    def _refuse(self, refusal: Refused, what: str) -> None:
        self.refusal = refusal
        self.unseen.append(f"{what} ({refusal})")

    # ---- the end

    def _final(self, answer: Any, found: Any, evidence: Any, value: Any = None, over: Any = 0) -> None:
        places = tuple(self._span(pair) for pair in _list(evidence, "the evidence")[:_EVIDENCE])
        answer = _text(answer, "the answer").strip()
        if self.final is None:
            data = answer if value is None else value
            if self.schema and found:
                data = self._typed(self.schema, answer, data)
            counted = over if isinstance(over, int) and over >= 0 else 0
            self.final = Final(answer, data, bool(found), places, counted)

    def _typed(self, schema: AnswerSchema, answer: str, value: Any) -> Any:
        """The value as the schema wants it: by code, else by the model under the schema's grammar, else refused."""
        try:
            return schema.fit(value)
        except MisfitError as error:
            self.misfit = f"the answer {answer[:80]!r} does not fit the schema: {error}"
        try:
            prompt, grammar = schema.prompt(answer), schema.grammar
            [made] = self._batch(
                _Batch("query", "put the answer into its form", [prompt], reply_tokens=_QUERY_TOKENS),
                lambda _done: self.model.extract(
                    [prompt], grammar=grammar, max_tokens=_QUERY_TOKENS, cancel=self.cancel
                ),
                _generated,
            )
            return schema.fit(made.text)
        except (GrammarError, ValueError) as error:
            raise HostCallRefused(self.misfit) from error

    def basis(self) -> Basis:
        """What the answer rests on, so far."""
        judged = len(self._sure)
        sure = sum(self._sure) / judged if judged else 1.0
        return Basis(self.final.over if self.final else 0, judged, round(sure, 4))

    # ---- checks and prices

    def _span(self, pair: Any) -> tuple[int, int]:
        """A span that a cell gave, checked: the cell is model-written."""
        match pair:
            case [int(start), int(end)] if 0 <= start <= end <= len(self.corpus.context):
                return start, end
            case [int(document), start, end] if isinstance(self.corpus, View):
                return self._row(self.corpus, document, start, end)
            case _:
                raise HostCallRefused(f"{pair!r} is not a place in the documents")

    def _row(self, view: View, number: int, start: Any, end: Any) -> tuple[int, int]:
        """The place of a row in its document, or the document, where the row has none."""
        document = view.document(number)
        if document is None:
            raise HostCallRefused(f"there is no document {number}")
        if not isinstance(start, int) or not isinstance(end, int):
            return document.start, document.end
        first = min(document.start + max(0, start), document.end)
        return first, max(first, min(document.start + end, document.end))

    def _pieces(self, item: Any) -> list[str]:
        """What a model is shown of an item: its text, in pieces of about as many tokens where it is a long one."""
        text = item.strip() if isinstance(item, str) else self.passages.wording(*self._span(item))
        tokens = self.model.count(text)
        if tokens <= _ITEM_TOKENS:
            return [text]
        longest = _ITEM_TOKENS * len(text) // tokens
        spans = chunks(text, 0, len(text), shortest=longest // 2, longest=longest)
        return [text[start:end].strip() for start, end in spans]

    def _batch(
        self, batch: _Batch, run: Callable[[Callable[[int], None]], list[_R]], data: Callable[[_R], dict[str, Any]]
    ) -> list[_R]:
        """Reserve a batch's price, run it, book what it really cost, and log every call."""
        done = 0

        def progress(_index: int) -> None:
            nonlocal done
            done += 1
            told(done)

        def told(done: int) -> None:
            calls = len(batch.prompts)
            self.say("call", batch.what, {"kind": batch.kind, "calls": calls, "done": done}, done / max(1, calls))

        told(0)
        started = time.monotonic()
        try:
            price = price_of(self.model, [*batch.prompts, *batch.neutral], batch.reply_tokens)
            with self.budget.reserve(replace(price, calls=len(batch.prompts))) as receipt:
                receipt.calls = len(batch.prompts)
                results = run(progress)
                receipt.tokens = sum((result.usage for result in results), Usage())
        except Refused as refusal:
            self._refuse(refusal, batch.what)
            raise HostCallRefused(str(refusal)) from refusal
        except PromptTooLong as error:
            raise HostCallRefused(str(error)) from error
        records = [
            _record(prompt, batch.options, data(result), result.usage)
            for prompt, result in zip(batch.prompts, results, strict=True)
        ]
        self.log.calls(self.turn, batch.kind, records, time.monotonic() - started)
        return results


def _odds(scores: Scores) -> float:
    return scores.logprobs[0] - scores.logprobs[1]


def _averaged(scores: Sequence[Scores]) -> list[float]:
    """How likely each option is for the whole that these are the pieces of: the mean of its probabilities."""
    return [fmean(map(math.exp, column)) for column in zip(*(score.biased for score in scores), strict=True)]


def _generated(generation: Generation) -> dict[str, Any]:
    return {"text": generation.text, "logprob": generation.logprob}


def _list(value: Any, what: str) -> list[Any]:
    """A list that a cell gave, checked: the cell is model-written."""
    if not isinstance(value, list):
        raise HostCallRefused(f"{what} must be a list, not {type(value).__name__}")
    return cast("list[Any]", value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise HostCallRefused(f"{what} must be a string, not {type(value).__name__}")
    return value


def _texts(value: Any, what: str) -> list[str]:
    return [_text(each, f"each of {what}") for each in _list(value, what)]


def price_of(model: Model, prompts: Sequence[Prompt], reply_tokens: int) -> Price:
    """An upper bound: what all prompts begin with counts once, then each prompt's own end and its reply."""
    if not prompts:
        return Price(0, 0)
    texts = ["\n".join(message.content for message in prompt.messages) for prompt in prompts]
    shared = os.path.commonprefix(texts)  # noqa: RUF071 - by character is what is wanted
    once = model.count(shared) + _TURN_TOKENS * len(prompts[0].messages)
    own = model.count("\n".join(text[len(shared) :] for text in texts))
    return Price(once + own + (_TURN_TOKENS + reply_tokens) * len(prompts), len(prompts))


def _record(prompt: Prompt, options: tuple[str, ...], result: dict[str, Any], usage: Usage) -> CallRecord:
    return CallRecord(
        messages=[plain(message) for message in prompt.messages],
        prefill=prompt.prefill,
        options=options,
        result=result,
        prompt_tokens=usage.prompt_tokens + usage.cached_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
    )


def plain(message: Message) -> dict[str, str]:
    """A message as plain data."""
    return {"role": message.role, "content": message.content}
