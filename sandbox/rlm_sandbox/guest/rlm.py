"""What a cell has to work with: the text, its items and fields, retrieval, and the model.

This runs inside the sandbox, where nothing is at stake; it is plain Python and is tested as such. Everything that costs
something (a leaf call, a child node) or ends the run is a host call, priced and checked on the other side.

    context                        all documents as one str
    documents                      [Document(name, kind, text)]
    rows(name, where=[...])        the items of a set that meet every condition
    find(query, k)                 the k passages that speak of the query, best first
    follow(passages)               passages elsewhere that share a rare name or number with these
    absent(question)               names and codes of a question that stand nowhere in the documents
    group, total, values           grouping and arithmetic over items, so that no model counts
    judge(question, items)         the items for which the model says yes
    choose(question, options, items)    one option for each item
    read(question, passages)       the answer that the passages give, or found=False
    llm_query, llm_query_batched   the paper's names (arXiv 2512.24601)
    FINAL, FINAL_VAR, SHOW_VARS, answer
"""

import bisect
import math
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

Value = str | float | None
Condition = tuple[str, str, Any]

_WORD = re.compile(r"[^\W_]+(?:[-_./@:][^\W_]+)*")
_DATE_LIKE = re.compile(r"\d{1,4}([-./:]\d{1,4}){0,3}|\d+(st|nd|rd|th|h|min|kg|%)?")
_KEY = re.compile(
    r"\b([A-ZÀ-Þ][a-zà-ÿ]+(?: [A-ZÀ-Þ][a-zà-ÿ]+)+)\b"
    r"|\b[^\W_]*\d[^\W_]*(?:[-_./@:][^\W_]+)*"
    r"|\b[^\W\d_]+(?:[-_./@:][^\W_]+)+"
    r"|\b[A-Z]{3,}\b"
)
_TITLE = re.compile(r"^(?:(?:Dr|Mr|Mrs|Ms|Prof|Dear|The|In|At|On|From|To|For|New|With|And|But|An?) )+")
_COMMON_SHARE = 0.2
_ENUMERABLE = 40_000
_RECORDS = frozenset(("csv", "tsv", "json", "jsonl"))
_MEASURES: dict[str, Callable[[list[float]], float]] = {
    "count": math.fsum,
    "sum": math.fsum,
    "average": statistics.fmean,
    "highest": max,
    "lowest": min,
}


class Document(NamedTuple):
    """A document: `name` is its path, `start` and `end` its place in `context`."""

    name: str
    kind: str
    text: str
    start: int
    end: int


class Item:
    """A row, line, message, paragraph or function: text with a place, and its fields by name (`item["status"]`)."""

    __slots__ = ("_index", "_set", "end", "start")

    def __init__(self, item_set: "ItemSet | None", index: int, start: int, end: int) -> None:
        self._set, self._index = item_set, index
        self.start, self.end = start, end

    def __getitem__(self, field: str) -> Value:
        if self._set is None:
            raise KeyError(field)
        return self._set.columns[field][self._index]

    def get(self, field: str, default: Value = None) -> Value:
        """The field's value, or `default` where the item has none."""
        value = self[field] if self._set is not None and field in self._set.columns else None
        return default if value is None else value

    @property
    def text(self) -> str:
        return _tools().context[self.start : self.end]

    @property
    def document(self) -> str:
        return _tools().document_at(self.start).name

    @property
    def fields(self) -> dict[str, Value]:
        """The fields that this item states."""
        if self._set is None:
            return {}
        pairs = ((name, column[self._index]) for name, column in self._set.columns.items())
        return {name: value for name, value in pairs if value is not None}

    def __repr__(self) -> str:
        return f"<{self.document}: {' '.join(self.text.split())[:160]}>"


class ItemSet:
    """The items of one kind, by column."""

    def __init__(self, name: str, starts: list[int], ends: list[int], columns: dict[str, list[Value]]) -> None:
        self.name, self.columns = name, columns
        self.items = [Item(self, i, start, end) for i, (start, end) in enumerate(zip(starts, ends, strict=True))]


class Reading(NamedTuple):
    """What `read` found: the answer, whether the passages state it, and the passage that does."""

    answer: str
    found: bool
    evidence: list[Item]


class Tools:
    """The toolbox of one session.

    Args:
        call: the host call, `call(name, **arguments)`.
        context: the text of all documents.
        documents: (name, kind, start, end) of each, in order, as offsets into `context`.
    """

    def __init__(self, call: Callable[..., Any], context: str, documents: Iterable[Sequence[Any]]) -> None:
        self.call = call
        self.context = context
        self.documents = [Document(n, k, context[a:b], a, b) for n, k, a, b in documents]
        self._starts = [d.start for d in self.documents]
        self._sets: dict[str, ItemSet] = {}
        self._passages: list[tuple[int, int]] = []
        self._lower = ""
        self.namespace: dict[str, Any] = {}

    # ---- documents and items

    def document_at(self, offset: int) -> Document:
        """The document that holds this offset of `context`."""
        return self.documents[self._document_index(offset)]

    def _document_index(self, offset: int) -> int:
        return max(0, bisect.bisect_right(self._starts, offset) - 1)

    def fields(self) -> dict[str, dict[str, str]]:
        """The item sets, each with its fields and their types."""
        return self.call("fields")

    def rows(self, name: str, where: Sequence[Condition] = ()) -> list[Item]:
        """The items of a set that meet every condition.

        A condition is (field, operator, value) with operator =, !=, <, <=, >, >=, "in" (a closed range: (low, high)),
        "any" (one of a list), "contains" or "lacks". The field "text" is the item's whole text. Case does not count;
        an item without the field meets no condition on it.
        """
        if name not in self._sets:
            data = self.call("item_set", name=name)
            self._sets[name] = ItemSet(name, data["starts"], data["ends"], data["columns"])
        chosen = self._sets[name].items
        for field, operator, value in where:
            test = _test(operator, value)
            chosen = [item for item in chosen if test(item.text if field == "text" else item.get(field))]
        return list(chosen)

    def group(self, items: Iterable[Item], by: str, measure: str = "count", of: str = "") -> list[tuple[str, float]]:
        """(value of `by`, measure) for each group, highest first.

        The measure is "count", or "sum", "average", "highest" or "lowest" of the number field `of`.
        """
        amounts: dict[str, list[float]] = {}
        for item in items:
            key, amount = item.get(by), 1.0 if measure == "count" else item.get(of)
            if key is not None and isinstance(amount, int | float):
                amounts.setdefault(_show(key), []).append(float(amount))
        measured = {key: round(_MEASURES[measure](values), 6) for key, values in amounts.items()}
        return sorted(measured.items(), key=lambda pair: (-pair[1], pair[0]))

    def total(self, items: Iterable[Item], field: str) -> float:
        """The sum of a number field; items without it add nothing."""
        return round(math.fsum(v for item in items if isinstance(v := item.get(field), int | float)), 6)

    def values(self, items: Iterable[Item], field: str) -> list[str]:
        """The distinct values of a field, in order of appearance."""
        return list(dict.fromkeys(_show(value) for item in items if (value := item.get(field)) is not None))

    # ---- retrieval

    def find(self, query: str, k: int = 8, where: Sequence[Item] | None = None) -> list[Item]:
        """The k passages that speak of the query, best first; `where` limits the search to these items.

        Ranking is BM25 without an index: each query word is counted in the lower-cased text, and only the rare ones are
        located, so that megabytes cost a fraction of a second.
        """
        spans = [(i.start, i.end) for i in where] if where is not None else self._all_passages()
        if not spans:
            return []
        spans = sorted(spans)
        starts = [a for a, _ in spans]
        average = sum(b - a for a, b in spans) / len(spans) or 1.0
        scores: dict[int, float] = {}
        for stem, weight in query_stems(query).items():
            places = self._located(stem, starts, spans)
            if not places or (len(places) > _COMMON_SHARE * len(spans) and len(spans) > 20 and len(scores) > 0):
                continue
            idf = math.log(1 + (len(spans) - len(places) + 0.5) / (len(places) + 0.5))
            for index, times in places.items():
                length = (spans[index][1] - spans[index][0]) / average
                frequency = times * 2.2 / (times + 1.2 * (0.4 + 0.6 * length))
                scores[index] = scores.get(index, 0.0) + weight * idf * idf * frequency
        best = sorted(scores, key=lambda i: (-scores[i], i))[:k]
        return [Item(None, 0, *spans[i]) for i in best]

    def absent(self, question: str) -> list[str]:
        """The names and codes of a question that stand nowhere in the documents: what is asked of them is not there."""
        return [word for word in _proper(question) if not self._occurs(word)]

    def _occurs(self, word: str) -> bool:
        spellings = (stem(word), *(re.sub(r"[-_./@:]", mark, word.lower()) for mark in ("", " ", "-", "_")))
        return any(spelling in self._lowered() for spelling in spellings)

    def _located(self, stem: str, starts: list[int], spans: list[tuple[int, int]]) -> dict[int, int]:
        """How often a stem begins a word, by passage."""
        text = self._lowered()
        if text.count(stem) > _ENUMERABLE:
            return {}
        places: dict[int, int] = {}
        at = text.find(stem)
        while at >= 0:
            if at == 0 or not text[at - 1].isalnum():
                index = bisect.bisect_right(starts, at) - 1
                if index >= 0 and at < spans[index][1]:
                    places[index] = places.get(index, 0) + 1
            at = text.find(stem, at + len(stem))
        return places

    def _lowered(self) -> str:
        """The context in lower case, offset for offset."""
        if not self._lower:
            self._lower = self.context.lower()
            if len(self._lower) != len(self.context):  # a few letters change length in lower case
                self._lower = "".join(low if len(low := c.lower()) == 1 else c for c in self.context)
        return self._lower

    def _all_passages(self) -> list[tuple[int, int]]:
        if not self._passages:
            data = self.call("passages")
            self._passages = list(zip(data["starts"], data["ends"], strict=True))
        return self._passages

    def follow(self, passages: Sequence[Item], question: str = "", k: int = 4) -> list[Item]:
        """Up to k passages that say more about a name, code or number in these: the next hop.

        A key is worth following into a document that speaks of it once or twice (a register, a letter), however often
        others repeat it. Records count double, they say what a thing is; so does a key that stands in one sentence with
        words of the question.
        """
        asked = list(query_stems(question))
        spans = self._all_passages()
        starts = [a for a, _ in spans]
        seen = {(p.start, p.end) for p in passages}
        gains: dict[tuple[int, int], float] = {}
        for rank, passage in enumerate(passages):
            for key, sentence in _keys(passage.text):
                near = 3.0 if any(word in sentence for word in asked) else 1.0
                by_document: dict[int, list[int]] = {}
                for index in self._located(key, starts, spans):
                    by_document.setdefault(self._document_index(spans[index][0]), []).append(index)
                telling = {d: places for d, places in by_document.items() if len(places) <= 2}
                for document, places in telling.items():
                    weight = 2.0 if self.documents[document].kind in _RECORDS else 1.0
                    for index in places:
                        if spans[index] not in seen:
                            gain = near * weight / ((1 + rank) * len(telling))
                            gains[spans[index]] = gains.get(spans[index], 0.0) + gain
        best = sorted(gains, key=lambda span: (-gains[span], span))[:k]
        return [Item(None, 0, *span) for span in best]

    # ---- the model

    def judge(self, question: str, items: Sequence[Item | str]) -> list[Any]:
        """The items for which the model answers yes. The whole batch is priced before it starts."""
        if not items:
            return []
        verdicts: list[bool] = self.call("judge", question=question, items=[_reference(item) for item in items])
        return [item for item, yes in zip(items, verdicts, strict=True) if yes]

    def choose(self, question: str, options: Sequence[str], items: Sequence[Item | str]) -> list[str]:
        """One of the options for each item."""
        if not items:
            return []
        references = [_reference(item) for item in items]
        picked: list[int] = self.call("choose", question=question, options=list(options), items=references)
        return [options[index] for index in picked]

    def read(self, question: str, passages: Sequence[Item | Document]) -> Reading:
        """The answer that the passages give; found is False where they do not state it."""
        reply = self.call("read", question=question, passages=[[p.start, p.end] for p in passages])
        return Reading(reply["answer"], reply["found"], [Item(None, 0, a, b) for a, b in reply["evidence"]])

    def llm_query(self, prompt: str) -> str:
        """The model's reply to a prompt."""
        return self.llm_query_batched([prompt])[0]

    def llm_query_batched(self, prompts: Sequence[str]) -> list[str]:
        """The replies to several prompts, decoded together."""
        return self.call("llm_query", prompts=list(prompts)) if prompts else []

    # ---- endings

    def final(self, value: Any, evidence: Sequence[Item] = (), *, found: bool = True) -> None:
        """End the run with this answer; `evidence` are the items it rests on."""
        spans = [[item.start, item.end] for item in list(evidence)[:50]]
        self.call("final", answer=_answer_text(value), found=bool(found), evidence=spans)

    def final_var(self, name: str) -> None:
        """End the run with the value of a variable, given by name."""
        name = name.strip().strip("\"'")
        if name not in self.namespace:
            raise NameError(f"FINAL_VAR: there is no variable {name!r}; there are {', '.join(self._own_names())}")
        self.final(self.namespace[name])

    def show_vars(self) -> dict[str, str]:
        """The variables that cells have made, with their types."""
        return {name: type(self.namespace[name]).__name__ for name in self._own_names()}

    def poll_answer(self) -> None:
        """End the run if a cell has said `answer = {"content": ..., "ready": True}`."""
        answer = self.namespace.get("answer")
        if isinstance(answer, dict) and answer.get("ready"):  # pyright: ignore[reportUnknownMemberType]
            self.final(answer.get("content", ""))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    def _own_names(self) -> list[str]:
        return [n for n in self.namespace if not n.startswith("_") and n not in _GIVEN]


_GIVEN: set[str] = set()
_current: Tools | None = None


def _tools() -> Tools:
    if _current is None:
        raise RuntimeError("no session has been opened")
    return _current


def install(namespace: dict[str, Any], call: Callable[..., Any], documents: Iterable[Sequence[Any]]) -> Tools:
    """Give a namespace its tools. `context` must be in it already."""
    global _current
    tools = _current = Tools(call, namespace.get("context", ""), documents)
    tools.namespace = namespace
    namespace.update(
        documents=tools.documents,
        rows=tools.rows,
        fields=tools.fields,
        find=tools.find,
        follow=tools.follow,
        absent=tools.absent,
        group=tools.group,
        total=tools.total,
        values=tools.values,
        judge=tools.judge,
        choose=tools.choose,
        read=tools.read,
        llm_query=tools.llm_query,
        llm_query_batched=tools.llm_query_batched,
        FINAL=tools.final,
        FINAL_VAR=tools.final_var,
        SHOW_VARS=tools.show_vars,
        answer={"content": "", "ready": False},
    )
    _GIVEN.update(namespace)
    return tools


_STOP = frozenset(
    """a about after all also am an and any are as at be been before being between both but by can could did do does
    doing each every few for from get give given had has have having he her here him his how i if in into is it its
    itself many me more most much my no nor not of off on once one only or other our out over own please same say
    says she should so some such tell than that the their them then there these they this those to too under until
    up use used very was we were what when where which while who whom whose why will with would you your""".split()
)


def stem(word: str) -> str:
    """A word's stable beginning: enough that 'refunds', 'refunded' and 'refund' meet. Words with digits stay whole."""
    word = word.lower()
    if any(c.isdigit() for c in word):
        return word
    for suffix in ("ations", "ation", "ings", "ing", "ies", "ied", "edly", "ed", "es", "ly", "s", "e", "y"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    return word


def query_stems(query: str) -> dict[str, float]:
    """The words of a query worth looking for, each with a weight: names and numbers count more."""
    stems: dict[str, float] = {}
    for match in _WORD.finditer(query):
        word = match.group()
        parts = [word, *re.split(r"[-_./@:]", word)] if re.search(r"[-_./@:]", word) else [word]
        for part in parts:
            if part.lower() in _STOP or len(part) < 2:
                continue
            proper = any(c.isdigit() for c in part) or (part[0].isupper() and match.start() > 0)
            stems.setdefault(stem(part), (1.6 if proper else 1.0) * (1.0 if part is word else 0.4))
    return stems


def _proper(question: str) -> Iterator[str]:
    """The words of a question that name one thing: codes of letters and digits, and capitalised words inside it."""
    for match in _WORD.finditer(question):
        word = match.group()
        digits, letters = any(c.isdigit() for c in word), any(c.isalpha() for c in word)
        code = (
            digits
            and (letters or "/" in word or "-" in word)
            and len(word) >= 4
            and not _DATE_LIKE.fullmatch(word.lower())
        )
        name = (
            word[0].isupper()
            and word.isalpha()
            and len(word) >= 4
            and question[: match.start()].rstrip()[-1:] not in ("", ".", "?", "!", ":")
        )
        if code or (name and word.lower() not in _CALENDAR):
            yield word


_CALENDAR = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday spring summer autumn winter christmas easter doctor""".split()
)


def _keys(text: str) -> Iterator[tuple[str, str]]:
    """What can name one thing, with the sentence it stands in, in lower case.

    That is a word with a digit, a word in capitals, or two capitalised words in a row without title or little word.
    """
    seen: set[str] = set()
    for sentence in re.split(r"(?<=[.!?])\s+|\n", text):
        for match in _KEY.finditer(sentence):
            key = _TITLE.sub("", match.group()).lower()
            if len(key) >= 3 and key not in seen and not _DATE_LIKE.fullmatch(key) and (match[1] is None or " " in key):
                seen.add(key)
                yield key, sentence.lower()


def _reference(item: Item | str) -> list[int] | str:
    return [item.start, item.end] if isinstance(item, Item) else str(item)


def _fold(value: Any) -> Any:
    return " ".join(value.lower().split()) if isinstance(value, str) else value


def _test(operator: str, wanted: Any) -> Callable[[Value], bool]:
    """The predicate of one condition. Values of different types are simply not comparable, so they do not match."""
    if operator == "any":
        allowed = {_fold(v) for v in wanted}
        return lambda value: _fold(value) in allowed
    if operator in ("contains", "lacks"):
        needle, holds = str(_fold(wanted)), operator == "contains"
        return lambda value: value is not None and (needle in str(_fold(_show(value)))) is holds
    if operator == "in":
        low, high = wanted
        return lambda value: _ordered(value, low) >= 0 and _ordered(value, high, open_end=True) <= 0
    if operator in ("=", "!="):
        same = operator == "="
        return lambda value: value is not None and (_equal(value, wanted) is same)
    orders: dict[str, Callable[[int], bool]] = {
        "<": lambda c: c == -1, "<=": lambda c: c in (-1, 0), ">": lambda c: c == 1, ">=": lambda c: c in (0, 1),
    }  # fmt: skip
    if operator not in orders:
        raise ValueError(f"unknown operator {operator!r}; use =, !=, <, <=, >, >=, in, any, contains or lacks")
    accept = orders[operator]
    return lambda value: accept(_ordered(value, wanted, open_end=operator in ("<=", ">")))


_INCOMPARABLE = -9


def _ordered(value: Value, wanted: Any, *, open_end: bool = False) -> int:
    """-1, 0 or 1 as value stands to wanted; _INCOMPARABLE for different types. `open_end`: a day includes its hours."""
    if isinstance(value, str) and isinstance(wanted, str):
        if open_end and value.startswith(wanted):
            return 0
        return (value > wanted) - (value < wanted)
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return (value > wanted) - (value < wanted)
    return _INCOMPARABLE


def _equal(value: Value, wanted: Any) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, str):
        return _show(value) == wanted.strip()
    return bool(_fold(value) == _fold(wanted))


def _show(value: Any) -> str:
    """A value as a person writes it: whole floats without the point."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(round(value, 6))
    return str(value)


def _answer_text(value: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_show(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
    return _show(value)
