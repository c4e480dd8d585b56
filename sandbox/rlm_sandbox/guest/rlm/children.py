"""Children of a node: the text in parts, a question put to each, and their answers put together by code."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .records import Document, Item, Text, show

_PART = 8_000
"""Characters of a part that neighbours are put together to, about 2,000 tokens: a child reads it in one call."""

_MOST_VALUES = 64


class Part(NamedTuple):
    """A part of the text: its name, and its places in `context`."""

    name: str
    spans: list[list[int]]


class Result(str):
    """A child's answer: a str, as in the paper, that also knows its value and where it comes from.

    Attributes:
        value: the answer as data: a number, a list of texts, or the text.
        found: False where the part does not say.
        evidence: the items that it rests on.
        ended: "answered", or what ended the child before: "budget", "error".
        sure: how sure the model was, on average, of what it judged or read.
        tokens, calls: what it cost.
        part: the name of the part.
    """

    value: Any
    found: bool
    evidence: list[Item]
    ended: str
    sure: float
    tokens: int
    calls: int
    part: str

    @classmethod
    def of(cls, reply: dict[str, Any], text: Text) -> "Result":
        result = cls(reply["answer"])
        result.value, result.found, result.ended = reply["value"], reply["found"], reply["ended"]
        result.evidence = [Item(text, start, end) for start, end in reply["evidence"]]
        result.sure, result.tokens, result.calls, result.part = (
            reply["sure"],
            reply["tokens"],
            reply["calls"],
            reply["part"],
        )
        return result


class Combined(NamedTuple):
    """What several results come to together."""

    value: Any
    evidence: list[Item]
    found: bool


class Children:
    """`rlm_query`, `rlm_query_batched` and `parts` of one session."""

    def __init__(self, call: Callable[..., Any], text: Text) -> None:
        self._call, self._text = call, text

    def rlm_query(
        self, question: str, context: "Part | Document | Item | Iterable[Item] | str | None" = None
    ) -> Result:
        """A child node's answer to a question about a part of the text; by default about all of it."""
        return self.rlm_query_batched([question], [self._whole() if context is None else context])[0]

    def rlm_query_batched(self, questions: str | Sequence[str], contexts: Sequence[Any]) -> list[Result]:
        """Children's answers, one for each part; they work at the same time. One question may stand for all.

        The whole batch is priced before it starts; where it is more than is left, it is refused and says its price.
        """
        contexts = list(contexts)
        asked = [questions] * len(contexts) if isinstance(questions, str) else list(questions)
        if not contexts:
            return []
        replies = self._call("rlm_query", questions=asked, parts=[self._part(context) for context in contexts])
        return [Result.of(reply, self._text) for reply in replies]

    def parts(self, items: "Iterable[Item | Document]", by: str = "") -> list[Part]:
        """Items in parts, none of them cut: a part for each value of the field `by`; or neighbours together.

        Neighbours are joined to parts that a child reads in one call, within one document where they are items; a
        larger item is a part of its own.
        """
        items = list(items)
        return self._by_value(items, by) if by else self._neighbours(items)

    def _by_value(self, items: Sequence[Any], by: str) -> list[Part]:
        groups: dict[str, list[list[int]]] = {}
        for item in items:
            value = item.get(by)
            if value is not None:
                groups.setdefault(show(value), []).append([item.start, item.end])
        if len(groups) > _MOST_VALUES:
            raise ValueError(f"{by} has {len(groups)} values: more than {_MOST_VALUES} parts")
        return [Part(name, spans) for name, spans in groups.items()]

    def _neighbours(self, items: Sequence[Any]) -> list[Part]:
        parts: list[Part] = []
        size = 0
        for item in sorted(items, key=lambda item: item.start):
            length = item.end - item.start
            if parts and size + length <= _PART:
                parts[-1].spans.append([item.start, item.end])
                size += length
            else:
                name = self._text.documents[self._text.index_at(item.start)].name
                parts.append(Part(name, [[item.start, item.end]]))
                size = length
        return [self._numbered(part, parts) for part in parts]

    def _numbered(self, part: Part, parts: Sequence[Part]) -> Part:
        """A part whose name tells it from others of the same document."""
        same = [other for other in parts if other.name == part.name]
        return part if len(same) == 1 else Part(f"{part.name} {1 + same.index(part)}/{len(same)}", part.spans)

    def _whole(self) -> Part:
        return Part("all", [[document.start, document.end] for document in self._text.documents])

    def _part(self, context: Any) -> dict[str, Any]:
        if isinstance(context, str):
            return {"label": "", "text": context}
        if isinstance(context, Part):
            return {"label": context.name, "spans": context.spans}
        items = [context] if isinstance(context, Item | Document) else list(context)
        return {"label": "", "spans": [[item.start, item.end] for item in items]}


def combine(results: Sequence[Result], how: str = "best") -> Combined:
    """What several results come to, by code: parts that found nothing add nothing.

    `how` is "sum" of numbers, "union" of lists without repeats, "best" (the surest answer), "most" or "fewest" (the
    part with the highest or lowest number), or "each" (a line for each part).
    """
    found = [result for result in results if result.found]
    evidence = [item for result in found for item in result.evidence]
    if not found:
        return Combined(None, [], False)
    if how == "best":
        best = max(found, key=lambda result: result.sure)
        return Combined(best.value, best.evidence, True)
    if how == "union":
        values = [value for result in found for value in _list(result.value)]
        return Combined(list(dict.fromkeys(values)), evidence, True)
    if how == "each":
        return Combined([f"{result.part}: {result}" for result in found], evidence, True)
    numbers = [(result, number) for result in found if (number := _number(result)) is not None]
    if not numbers:
        return Combined(None, [], False)
    if how == "sum":
        return Combined(sum(number for _, number in numbers), evidence, True)
    if how not in ("most", "fewest"):
        raise ValueError(f"there is no way {how!r} to combine: best, sum, union, most, fewest, each")
    extreme = (max if how == "most" else min)(number for _, number in numbers)
    winners = [result for result, number in numbers if number == extreme]
    return Combined([result.part for result in winners], [i for result in winners for i in result.evidence], True)


def _list(value: Any) -> list[Any]:
    return [show(each) for each in value] if isinstance(value, list) else [show(value)]  # pyright: ignore[reportUnknownVariableType]


def _number(result: Result) -> float | None:
    value = result.value
    if isinstance(value, int | float):
        return value
    try:
        number = float(str(value).replace(",", ""))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number
