"""What the planner is told of a corpus: its item sets, their fields, and what of them the question mentions."""

from collections.abc import Sequence

from rlm_local.corpus import Corpus, Field, ItemSet, Link, link
from rlm_local.engine.guided.plan import Condition, Plan
from rlm_sandbox.guest.rlm import query_stems

_ASKING = frozenset(
    query_stems("count list name number total sum altogether average mean highest lowest fewest record item")
)
_ABOUT_FILES = frozenset(("path", "name", "kind", "title"))
_SETS = 10
_FIELDS = 12
_VALUES = 5
_MENTIONS = 10


class Schema:
    """A corpus as one question sees it.

    `text` is a line per item set: its fields with types and sample values, those that the question mentions first.
    `conditions[set]` are the tests that the question's own words suggest; a plan can use no others.
    """

    def __init__(self, corpus: Corpus, question: str) -> None:
        self.question = question
        sets = [s for s in corpus.item_sets if s.kind != "documents" or _stated(s)]
        self.links = {s.name: link(question, s) for s in sets}
        ranked = sorted(sets, key=lambda s: -_interest(s, self.links[s.name]))
        self.sets = {s.name: s for s in ranked[:_SETS]}
        self.conditions = {name: _conditions(self.links[name]) for name in self.sets}
        self.text = "".join(_describe(s, corpus, self.links[s.name]) for s in self.sets.values())

    def mentioned(self) -> tuple[str, ...]:
        """The conditions' labels over all sets, without repetition."""
        labels = (c.label for conditions in self.conditions.values() for c in conditions)
        return tuple(dict.fromkeys(labels))[:_MENTIONS]

    def fields(self, item_set: str, *types: str) -> list[str]:
        """The names of a set's fields, of these types only where any are given."""
        return [f.name for f in self.sets[item_set].fields if not types or f.type in types]

    def unexplained(self, plan: Plan) -> set[str]:
        """The question's words that no part of a plan accounts for: a count that leaves some out counts something else."""
        item_set = self.sets[plan.items]
        said = " ".join([
            plan.items, item_set.kind, *(f.label for f in item_set.fields), *(c.surface for c in plan.where), plan.judge
        ])  # fmt: skip
        return set(query_stems(self.question)) - set(query_stems(said)) - _ASKING


def _stated(item_set: ItemSet) -> bool:
    return any(field.name not in _ABOUT_FILES for field in item_set.fields)


def _interest(item_set: ItemSet, links: Sequence[Link]) -> float:
    return sum(found.score for found in links) + (0.5 if item_set.fields else 0.0)


def _conditions(links: Sequence[Link]) -> tuple[Condition, ...]:
    made = (Condition(found.field, found.op, found.value, found.surface) for found in links)
    return tuple({condition.label: condition for condition in made}.values())[:_MENTIONS]


def _describe(item_set: ItemSet, corpus: Corpus, links: Sequence[Link]) -> str:
    mentioned = {found.field for found in links}
    fields = sorted(item_set.fields, key=lambda f: f.name not in mentioned)[:_FIELDS]
    parts = [_field(f, [str(found.value) for found in links if found.field == f.name]) for f in fields]
    if len(item_set.starts) and item_set.kind not in ("rows",):
        head = " ".join(corpus.context[item_set.starts[0] : item_set.starts[0] + 200].split())[:70]
        parts.append(f'text like "{head}..."')
    return f"{item_set.name} ({len(item_set.starts)} {item_set.kind}): {'; '.join(parts)}\n"


def _field(field: Field, mentioned: Sequence[str]) -> str:
    unit = f" in {field.unit}" if field.unit else ""
    match field.type:
        case "number":
            return f"{field.name} number{unit} {field.min:g}..{field.max:g}"
        case "date":
            return f"{field.name} date {field.min}..{field.max}"
        case "category" | "bool":
            common = [str(value) for value, _ in field.top(_VALUES)]
            values = list(dict.fromkeys([*mentioned, *common]))[:_VALUES]
            return f"{field.name} [{', '.join(values)}{', ...' if field.distinct > len(values) else ''}]"
        case _:
            sample = " ".join(str(field.top(1)[0][0]).split())[:40] if field.distinct else ""
            return f'{field.name} like "{sample}"'
