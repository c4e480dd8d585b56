"""What the planner is told of a corpus: its item sets, their fields, and what of them the question mentions."""

import keyword
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from rlm_local.collection.safe import line
from rlm_local.corpus import Corpus, Field, ItemSet, Link, group_size, link
from rlm_local.engine.guided.classes import listed_classes, mentioned_classes
from rlm_local.engine.guided.pairs import pair_tests
from rlm_local.engine.guided.plan import Classes, Condition, Op, Plan
from rlm_local.engine.guided.versus import versus
from rlm_sandbox.guest.rlm.words import beginning, proper, query_stems

_SETS = 20
_FIELDS = 9
_VALUES = 3
_VALUE_CHARACTERS = 20
_MENTIONS = 6
_WORDS = 3
_CANDIDATES = 8
_WORD_LENGTH = 4
_SURE = 0.6
_CERTAIN = 0.8
_STATED = 0.3
_FEW = 12
_COMMON = 0.4
_DENIAL = re.compile(
    r"\b(?:without|not|never|no|lack|lacks|lacking|except)\b[^.,;:?]{0,30}$|n't\b[^.,;:?]{0,30}$", re.I
)
_SAID_AGAIN = re.compile(r",?\s*(?:that is|i\. ?e\.|in other words)\b[^.;?!]*", re.I)
"""What a question says a second time in other words."""

_MARKED = re.compile(r"[@#$_`(]([^\W_]+)")
_FINE = frozenset(("rows", "lines", "functions", "messages"))
_CODE = re.compile(r"\b(?=[\w./-]*\d)[^\W_]+(?:[-_./][^\W_]+)+")
_FILE = frozenset(("path", "kind"))
_ABOUT: dict[str, frozenset[str]] = defaultdict(
    lambda: _FILE,
    documents=_FILE | {"name", "title"},
    sections=_FILE | {"level"},
    functions=frozenset(("language",)),
)
"""Fields, by kind of item, that speak of the file and not of what it records."""

_ASKING = frozenset(
    query_stems(
        "count list name number total sum altogether average mean highest lowest most fewest least common frequent "
        "rare record item contain contained include hold"
    )
)


class Schema:
    """A corpus as one question sees it.

    `text` has a line per item set, the same for every question over the corpus, so that it is evaluated once;
    `characters` is how long the corpus is.
    `conditions[set]` are the tests that the question's own words suggest; a plan can use no others. `sizes[set]` is the
    test on the size of groups, where the question states one ("two or more invoices"). `classes` are the categories
    that the question lists and no field has, as a field that is still to be made.
    `pairs[set]` are the tests for pairs of groups, where the question asks for pairs, and `versus[set]` the two values
    that it compares.
    """

    def __init__(self, corpus: Corpus, question: str) -> None:
        self.question, self.characters = question, len(corpus.context)
        self.classes, question = listed_classes(question)
        covered = {number for s in corpus.item_sets if s.kind in _FINE for number in s.documents}
        sets = [s for s in corpus.item_sets if s.kind != "documents" or _states_something(s, covered)]
        links = {s.name: link(question, s) for s in sets}
        if len(sets) > _SETS:
            sets = sorted(sets, key=lambda s: -sum(found.score for found in links[s.name]))[:_SETS]
        self.sets = {s.name: s for s in sets}
        if self.classes and any(_has_classes(s, self.classes) for s in sets):
            self.classes = None
        self.text = "".join(_describe(s, corpus) for s in sets)
        self.sizes = {s.name: size for s in sets if (size := _size(question, s))}
        self.pairs = {s.name: tests for s in sets if (tests := pair_tests(question, partial(self._linked, s)))}
        self.versus = {s.name: values for s in sets if (values := versus(question, self._linked(s, question)))}
        sorted_by = mentioned_classes(self.classes, question) if self.classes else ()
        self.conditions = {
            s.name: tuple(
                condition
                for condition in (
                    *sorted_by,
                    *_conditions(question, links[s.name]),
                    *_words(question, s, links[s.name], corpus, sorted_by),
                )
                if s.name not in self.sizes or condition.surface not in self.sizes[s.name].surface
            )
            for s in sets
        }

    def _linked(self, item_set: ItemSet, text: str) -> tuple[Condition, ...]:
        """The tests that a part of the question suggests."""
        made = mentioned_classes(self.classes, text) if self.classes else ()
        return (*made, *_conditions(text, link(text, item_set)))

    def mentioned(self) -> str:
        """What the question mentions, by item set."""
        found = (f"{name}: {', '.join(c.label for c in each)}" for name, each in self.conditions.items() if each)
        return "; ".join(found) or "nothing"

    def fields(self, item_set: str, *types: str) -> list[str]:
        """The names of a set's fields that say something of its items, of these types only where any are given."""
        about = _ABOUT[self.sets[item_set].kind]
        made = [self.classes.field] if self.classes and not types else []
        own = (f.name for f in self.sets[item_set].fields if f.name not in about and (not types or f.type in types))
        return [*made, *own]

    def all_said(self, op: Op, item_set: str) -> Plan:
        """The plan that takes every test on a set that the question surely means."""
        return Plan(op, item_set, where=tuple(condition for condition in self.conditions[item_set] if condition.sure))

    def left_out(self, op: Op, item_set: str) -> int:
        """How many of the question's words a set leaves out at best; one that names another set counts twice."""
        words = self.unexplained(self.all_said(op, item_set))
        others = " ".join(name for name in self.sets if name != item_set).replace("_", " ")
        return len(words) + len(words.intersection(query_stems(others)))

    def leaves_out(self, plan: Plan, words: int) -> bool:
        """Whether a plan leaves out that many words of the question, or all: it answers something else then."""
        return len(self.unexplained(plan)) >= min(words, len(query_stems(self.question)))

    def leaves_out_a_name(self, plan: Plan) -> bool:
        """Whether the question names one thing, by a name or a code, that no part of a plan accounts for."""
        return not self.unexplained(plan).isdisjoint(beginning(word) for word in proper(self.question))

    def shows_another_field(self, plan: Plan) -> bool:
        """Whether the question names a field that only another set has, or none that is shown and something left out.

        Its first word does not count: "Name the ..." asks for no name.
        """
        asked, left_out = set(query_stems(self.question.partition(" ")[2])), self.unexplained(plan)
        elsewhere = set[str]().union(*(self._labels(name) for name in self.sets)) - self._labels(plan.items)
        if elsewhere & (left_out | asked & _ASKING):
            return True
        return bool(left_out) and asked.isdisjoint(self._labels(plan.items, plan.show))

    def _labels(self, item_set: str, *names: str) -> set[str]:
        """The words that label a set's fields, or those of these names."""
        fields = (f for f in self.sets[item_set].fields if not names or f.name in names)
        return set(query_stems(" ".join(f.label.replace("_", " ") for f in fields)))

    def unexplained(self, plan: Plan) -> set[str]:
        """The question's words that no part of a plan accounts for."""
        tests = [*plan.where, plan.having] if plan.having else plan.where
        made = [plan.classes.field, *plan.classes.names] if plan.classes else []
        said = " ".join([plan.items, self.sets[plan.items].kind, *made, *(c.surface for c in tests), plan.judge])
        accounted = self._labels(plan.items) | set(query_stems(said.lower())) | _ASKING
        return set(query_stems(_SAID_AGAIN.sub("", self.question))) - accounted


def _has_classes(item_set: ItemSet, classes: Classes) -> bool:
    """Whether a field sorts the items by such categories already."""
    names = {name.lower() for name in classes.names}
    return any(
        f.name == classes.field or len(names & {str(value).lower() for value in f.counts}) > 1
        for f in item_set.fields
        if f.type == "category"
    )


def _states_something(item_set: ItemSet, covered: set[int]) -> bool:
    """Whether most of the documents state a field of their own, and are not told apart better by their items."""
    about = _ABOUT["documents"]
    stated = max((_share(f) for f in item_set.fields if f.name not in about and f.distinct > 1), default=0.0)
    return stated > 0.5 and 2 * sum(number in covered for number in item_set.documents) < len(item_set)


def _share(field: Field) -> float:
    """The share of items that state a field."""
    return field.counts.total() / max(1, len(field.values))


def _conditions(question: str, links: Sequence[Link]) -> tuple[Condition, ...]:
    """The surest reading of each mention: a word that is part of a longer match, or of a code, does not count again."""
    codes = [_spaced(match.group()) for match in _CODE.finditer(question)]
    kept: list[Link] = []
    for found in sorted(links, key=lambda each: -each.score):
        if any(_spaced(found.surface) in code and _spaced(found.surface) != code for code in codes):
            continue
        sure = found.op not in ("=", "contains") or found.score >= (_CERTAIN if found.field in _FILE else _SURE)
        alone = found.field not in _FILE and not any(_overlap(found, better) for better in kept)
        if (sure or alone) and not any(_superseded(found, better) for better in kept):
            kept.append(found)
    made = [Condition(found.field, found.op, found.value, found.surface) for found in kept]
    return tuple({condition.label: condition for condition in _joined(made, question)}.values())[:_MENTIONS]


def _joined(conditions: Sequence[Condition], question: str) -> Iterator[Condition]:
    """Values of one field that the question lists side by side ("Monday, Tuesday or Friday") as one condition: no item
    has two of them."""
    by_field: dict[str, list[Condition]] = defaultdict(list)
    for condition in conditions:
        if condition.operator == "=" and condition.surface in question:
            by_field[condition.field].append(condition)
    for condition in conditions:
        beside = sorted(by_field.get(condition.field, ()), key=lambda each: question.index(each.surface))
        if condition not in beside or len(beside) < 2 or not _side_by_side([each.surface for each in beside], question):
            yield condition
        elif condition is by_field[condition.field][0]:
            surface = question[question.index(beside[0].surface) :].partition(beside[-1].surface)[0]
            yield Condition(condition.field, "any", [each.value for each in beside], surface + beside[-1].surface)


def _side_by_side(surfaces: Sequence[str], question: str) -> bool:
    return bool(re.search(r"\s*(?:,|/|\band\b|\bor\b)+\s*(?:(?:and|or)\s+)?".join(map(re.escape, surfaces)), question))


def _size(question: str, item_set: ItemSet) -> Condition | None:
    found = group_size(question, item_set)
    return found and Condition("items", found.op, found.value, found.surface)


def _spaced(text: str) -> str:
    return re.sub(r"[-_./]+", " ", text.lower())


def _superseded(found: Link, better: Link) -> bool:
    part = found.surface != better.surface and found.surface.lower() in better.surface.lower()
    return part or (found.field == better.field and found.score < better.score and _overlap(found, better))


def _overlap(one: Link, other: Link) -> bool:
    return bool(set(one.surface.lower().split()) & set(other.surface.lower().split()))


def _words(
    question: str, item_set: ItemSet, links: Sequence[Link], corpus: Corpus, known_by: Sequence[Condition]
) -> tuple[Condition, ...]:
    """For code and logs, whose text is a vocabulary of its own: words of the question that some of the items hold."""
    if item_set.kind not in ("functions", "lines"):
        return ()
    known = _ASKING | set(query_stems(" ".join([item_set.name, *(f.name.replace("_", " ") for f in item_set.fields)])))
    surfaces = " ".join(found.surface.lower() for found in (*links, *known_by))
    texts = [text.lower() for text in item_set.texts(corpus.context)]
    held: dict[str, set[int]] = {}
    for word in query_stems(question):
        if len(word) >= _WORD_LENGTH and word not in known and word not in surfaces:
            held[word] = {place for place, text in enumerate(texts) if word in text}
    some = [word for word, places in held.items() if 0 < len(places) < _COMMON * len(texts)]
    marked = {beginning(match.group(1)) for match in _MARKED.finditer(question)}
    sure = [word for word in some if keyword.iskeyword(word) or word in marked]
    meant = sure or some
    denied = [word for word in meant if (denial := _denied(word, question)) and not any(denial in t for t in texts)]
    said = _together({word: held[word] for word in meant if word not in denied})
    return tuple(
        Condition("text", operator, word, word, sure=bool(sure) or len(said) > 1)
        for operator, words in (("contains", said), ("lacks", denied[:_WORDS]))
        for word in words
    )


def _together(held: dict[str, set[int]]) -> tuple[str, ...]:
    """The most words that some item holds together, of those rather the rarest."""
    rare = sorted(held, key=lambda word: len(held[word]))[:_CANDIDATES]
    for size in range(min(_WORDS, len(rare)), 0, -1):
        shared = {words: len(_shared([held[word] for word in words])) for words in combinations(rare, size)}
        if any(shared.values()):
            return min((words for words in shared if shared[words]), key=lambda words: shared[words])
    return ()


def _shared(places: Sequence[set[int]]) -> set[int]:
    return places[0].intersection(*places[1:])


def _denied(word: str, question: str) -> str:
    """The words of the question from a "without", "not" or the like up to a word shortly after it; "" without."""
    before = question[: question.lower().find(word)].lower()
    match = _DENIAL.search(before)
    return f"{match.group()}{word}" if match else ""


def _describe(item_set: ItemSet, corpus: Corpus) -> str:
    about = _ABOUT[item_set.kind]
    dates = {field.name for field in item_set.fields if field.type == "date"}
    told = [
        field
        for field in item_set.fields
        if field.name not in about and field.name.rpartition("_")[0] not in dates and _share(field) >= _STATED
    ]
    parts = [_field(field) for field in told[:_FIELDS]]
    if item_set.kind != "rows" and len(item_set):
        start = item_set.starts[len(item_set) // 2]
        head = line(corpus.context[start : start + 200], 50)
        parts.append(f'text like "{head}"')
    return f"{item_set.name} ({len(item_set)} {item_set.kind}): {'; '.join(parts)}\n"


def _field(field: Field) -> str:
    unit = f" in {field.unit}" if field.unit else ""
    match field.type:
        case "number":
            return f"{field.name} number{unit}"
        case "date":
            return f"{field.name} date {str(field.min)[:7]}..{str(field.max)[:7]}"
        case "category" | "bool" if 0 < field.distinct <= _FEW:
            values = [_short(value) for value, _ in field.top(_VALUES)]
            return f"{field.name} [{', '.join(values)}{', ...' if field.distinct > len(values) else ''}]"
        case _:
            return f'{field.name} like "{_short(field.top(1)[0][0]) if field.distinct else ""}"'


def _short(value: str | float) -> str:
    return line(str(value), _VALUE_CHARACTERS)
