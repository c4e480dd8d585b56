"""What a cell has to work with: the text, its items and fields, retrieval, and the model.

This runs inside the sandbox, where nothing is at stake; it is plain Python and is tested as such. Everything that costs
something (a leaf call, a child node) or ends the run is a host call, priced and checked on the other side.

    context                        all documents as one str
    documents                      [Document(name, kind, text)]
    rows(name, where=[...])        the items of a set that meet every condition
    select(items, where)           those of some items that do
    find(query, k)                 the k passages that speak of the query, best first
    follow(passages)               passages elsewhere that share a rare name or number with these
    absent(question)               names and codes of a question that stand nowhere in the documents
    split, group, total, values    grouping and arithmetic over items, so that no model counts
    judge(question, items)         the items for which the model says yes
    choose(question, options, items)    one option for each item
    classify(items, field, options)     the items, each with the option that the model chose as a field
    read(question, passages)       the answer that the passages give, or found=False
    llm_query, llm_query_batched   the paper's names (arXiv 2512.24601)
    rlm_query, rlm_query_batched   the same to child nodes, about parts of the text
    parts(items, by), combine(results, how)     parts for them, and what their answers come to
    FINAL, FINAL_VAR, SHOW_VARS, answer
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .children import Children, combine
from .records import Condition, Document, Item, ItemSet, Text, group, select, show, split, total, values
from .retrieval import Retrieval


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
        self.text = Text(context, documents)
        self.retrieval = Retrieval(self.text, self._passages)
        self.children = Children(call, self.text)
        self._sets: dict[str, ItemSet] = {}
        self._over = 0
        self.namespace: dict[str, Any] = {}

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
            self._sets[name] = ItemSet(self.text, data["starts"], data["ends"], data["columns"])
        self._over = len(self._sets[name].items)
        return select(self._sets[name].items, where)

    def _passages(self) -> list[tuple[int, int]]:
        data = self.call("passages")
        return list(zip(data["starts"], data["ends"], strict=True))

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

    def classify(self, items: Sequence[Item], field: str, options: Sequence[str]) -> Sequence[Item]:
        """The items, each with a field more: the one of the options that the model chose for it."""
        for item, option in zip(items, self.choose(f"Which {field} does it belong to?", options, items), strict=True):
            item[field] = option
        return items

    def read(self, question: str, passages: Sequence[Item | Document], *, whole: bool = False) -> Reading:
        """The answer that the passages give; found is False where they do not state it.

        As many are read, best first, as a few readings of passages should take; `whole`: as the model's window holds.
        """
        spans = [[passage.start, passage.end] for passage in passages]
        reply = self.call("read", question=question, passages=spans, whole=whole)
        return Reading(reply["answer"], reply["found"], [Item(self.text, a, b) for a, b in reply["evidence"]])

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
        answer, data = _answer_text(value), _data(value)
        self.call("final", answer=answer, found=bool(found), evidence=spans, value=data, over=self._over)

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


def install(namespace: dict[str, Any], call: Callable[..., Any], documents: Iterable[Sequence[Any]]) -> Tools:
    """Give a namespace its tools. `context` must be in it already."""
    tools = Tools(call, namespace.get("context", ""), documents)
    tools.namespace = namespace
    namespace.update(
        documents=tools.text.documents,
        rows=tools.rows,
        fields=tools.fields,
        find=tools.retrieval.find,
        follow=tools.retrieval.follow,
        absent=tools.retrieval.absent,
        select=select,
        split=split,
        group=group,
        total=total,
        values=values,
        judge=tools.judge,
        choose=tools.choose,
        classify=tools.classify,
        read=tools.read,
        llm_query=tools.llm_query,
        llm_query_batched=tools.llm_query_batched,
        rlm_query=tools.children.rlm_query,
        rlm_query_batched=tools.children.rlm_query_batched,
        parts=tools.children.parts,
        combine=combine,
        FINAL=tools.final,
        FINAL_VAR=tools.final_var,
        SHOW_VARS=tools.show_vars,
        answer={"content": "", "ready": False},
    )
    _GIVEN.update(namespace)
    return tools


def _reference(item: Item | str) -> list[int] | str:
    return [item.start, item.end] if isinstance(item, Item) else str(item)


def _answer_text(value: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(show(v) for v in value)  # pyright: ignore[reportUnknownVariableType]
    return show(value)


def _data(value: Any) -> Any:
    """An answer as JSON can say it."""
    if isinstance(value, dict):
        return {str(key): _data(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple | set | frozenset):
        return [_data(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and not math.isfinite(value):
        return show(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
