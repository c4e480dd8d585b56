"""Stock phrases: what letters and notes that are written after one pattern say at the places where they differ.

Sentences are cut into tokens; dates, amounts, numbers and codes are slots by their look, and so are the words that are
neither foretold by the two before nor by the two after them. Sentences that then agree, in three texts or more, are a
template; two templates that differ in one short run are one with a slot there. Each slot with plausible values is a
field, named from the words before it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rlm_local.corpus.date import DATE_IN_TEXT
from rlm_local.corpus.field import Field, field_name, typed
from rlm_local.corpus.table import Raw
from rlm_local.corpus.vocabulary import STOP_WORDS

_LEARNED_FROM = 400  # texts
_READ = 3_000  # characters of each
_READ_AT_ALL = 20_000  # characters of each
_LONGEST_SENTENCE = 400  # characters
_FEWEST_TEXTS = 3
_LEAST_SHARE = 0.02
_MOST_FIELDS = 12
_LONGEST_VALUE = 6  # words
_SLOT = " "  # begins the sign of a slot, as it can begin no word
_VARYING = _SLOT + "detail"

_CODE = r"(?:[A-Za-z]{1,8}[-/#]?\d[\w/-]*\w|[A-Za-z]\d+|\d+[A-Za-z]\w*|\d+(?:[-/]\d+)+)"
_NUMBER = r"\d(?:[\d.,]*\d)?"
_MONEY = rf"(?:(?:[€$£]|(?-i:[A-Z]{{3}})\s)\s?{_NUMBER}|{_NUMBER}\s?(?:[€£%]|(?-i:[A-Z]{{3}})\b))"
_TIME = r"\d{1,2}:\d{2}(?:\s?[ap]m)?"
_MAIL = r"[\w.+-]+@[\w-]+\.[\w.-]*\w"
_TOKEN = re.compile(
    rf"(?P<date>{DATE_IN_TEXT.pattern})|(?P<time>\b{_TIME}\b)|(?P<amount>{_MONEY})|(?P<mail>{_MAIL})"
    rf"|(?P<code>\b{_CODE}\b)|(?P<number>{_NUMBER})|(?P<word>[^\W\d_]+(?:['\u2019-][^\W\d_]+)*)|(?P<mark>[^\w\s])",
    re.IGNORECASE,
)
_SHAPES = {
    "date": f"(?:{DATE_IN_TEXT.pattern})", "time": _TIME, "amount": _MONEY, "mail": _MAIL,
    "code": _CODE, "number": _NUMBER, "detail": ".{1,160}?",
}  # fmt: skip
_SENTENCE_END = re.compile(
    r"(?<=[.!?])"
    + "".join(rf"(?<!\b{short}\.)" for short in ("Dr", "Mr", "Ms", "Mrs", "Prof", "St", "No", "no"))
    + r"\s+(?=[A-Z\"'(])"
)
_LABELLED = re.compile(r"(?:#|[^\W\d_]+(?: [^\W\d_]+){0,2}:\s[^.!?\n]{1,60}$)")
_BREAKS_AFTER = ".!?:;,"
_NAMED_BY_TYPE = {"date": "date", "time": "time", "amount": "amount", "mail": "mail"}
_PREPOSITIONS = frozenset("with by from to in at for of on under via against through near".split())
_STATES = frozenset("is was are were be been being has have had".split())


@dataclass(frozen=True)
class _Token:
    """A word or mark of a sentence, lower case, or a slot: a date, an amount, what varies."""

    shape: str
    text: str

    @property
    def is_slot(self) -> bool:
        return self.shape != "constant"

    @property
    def sign(self) -> str:
        return _SLOT + self.shape if self.is_slot else self.text


Template = tuple[str, ...]


def induce(texts: Sequence[str], taken: Iterable[str]) -> list[Field]:
    """The fields that the texts' stock phrases hold, at most a dozen, under names not `taken`. A value per text."""
    step = max(1, len(texts) // _LEARNED_FROM)
    learned = [list(map(_tokens, sentences(text[:_READ]))) for text in texts[::step][:_LEARNED_FROM]]
    fewest = max(_FEWEST_TEXTS, int(_LEAST_SHARE * len(learned)))
    if len(learned) < _FEWEST_TEXTS:
        return []
    columns = _columns(_unified(_templates(learned), fewest), texts)
    names = set(taken)
    fields: list[Field] = []
    for name, (label, cells) in columns.items():
        said = sum(cell is not None for cell in cells)
        if name in names or said < max(fewest, 0.03 * len(texts)) or not _plausible(cells):
            continue
        field = typed(label, cells)[0]
        fields.append(Field(name, label, field.type, field.values, field.unit))
    fields.sort(key=lambda field: -field.counts.total())
    return fields[:_MOST_FIELDS]


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text. Wrapped lines are joined; labelled lines, which `labels` reads, are left out."""
    lines = text.split("\n")
    width = max(map(len, lines))
    parts: list[str] = []
    room = width + 1  # what the line before left: a word that would have fitted there begins a line of its own
    for line in lines:
        stripped = line.strip()
        if stripped and len(stripped.split(" ", 1)[0]) >= room:
            parts[-1] += " " + stripped
        else:
            parts.append("" if _LABELLED.match(stripped) else stripped)
        closed = not parts[-1] or stripped[-1:] in _BREAKS_AFTER
        room = width + 1 if closed else width - len(line)
    return (
        sentence
        for part in parts
        if part
        for sentence in _SENTENCE_END.split(part)
        if len(sentence) <= _LONGEST_SENTENCE
    )


def _tokens(sentence: str) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(sentence):
        shape = match.lastgroup or ""
        found.append(_Token("constant", match[0].lower()) if shape in ("word", "mark") else _Token(shape, match[0]))
    return found


def _templates(learned: Sequence[Sequence[Sequence[_Token]]]) -> dict[Template, set[int]]:
    """Sentences with their varying words as slots, and the texts that each stands in."""
    after: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    before: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    signed = [[["^", "^", *(token.sign for token in sentence), "$", "$"] for sentence in text] for text in learned]
    for text in signed:
        for signs in text:
            for place in range(2, len(signs) - 2):
                after[signs[place - 2], signs[place - 1]][signs[place]] += 1
                before[signs[place + 1], signs[place + 2]][signs[place]] += 1
    found: dict[Template, set[int]] = defaultdict(set)
    for number, text in enumerate(signed):
        for signs in text:
            template: list[str] = []
            for place in range(2, len(signs) - 2):
                sign = signs[place]
                fixed = sign[0] == _SLOT or any(
                    counts[sign] >= _FEWEST_TEXTS and 2 * counts[sign] >= counts.total()
                    for counts in (
                        after[signs[place - 2], signs[place - 1]],
                        before[signs[place + 1], signs[place + 2]],
                    )
                )
                if fixed:
                    template.append(sign)
                elif not template or template[-1] != _VARYING:
                    template.append(_VARYING)
            found[tuple(template)].add(number)
    return found


def _unified(found: dict[Template, set[int]], fewest: int) -> list[Template]:
    """The templates of enough texts; those that differ in one short run are made one. Most common first."""
    groups = {template: set(texts) for template, texts in found.items() if _constants(template) >= 3}
    buckets: dict[tuple[str, ...], list[Template]] = defaultdict(list)
    for template in sorted(groups, key=lambda t: -len(groups[t])):
        buckets["^", *template[:3]].append(template)
        buckets["$", *template[-3:]].append(template)
    for bucket in buckets.values():
        current = [template for template in bucket if template in groups][:60]
        while current:
            first = current.pop(0)
            for other in list(current):
                if first not in groups or other not in groups or 20 * len(groups[other]) < len(groups[first]):
                    continue
                joint = _joint(first, other)
                if joint is None:
                    continue
                texts = groups.pop(first) | groups.pop(other)
                groups[joint] = groups.get(joint, set()) | texts
                current.remove(other)
                first = joint
    kept = [template for template, texts in groups.items() if len(texts) >= fewest and _is_telling(template)]
    return sorted(kept, key=lambda t: -len(groups[t]))[: 4 * _MOST_FIELDS]


def _is_telling(template: Template) -> bool:
    """Whether a template has slots, and enough words of its own to say what stands in them."""
    slots = [sign for sign in template if sign[0] == _SLOT]
    telling = sum(
        sign[0] != _SLOT and sign not in STOP_WORDS and (sign.isalpha() or sign in ":|#=") for sign in template
    )
    return bool(slots) and _constants(template) >= 3 and telling >= (2 if set(slots) == {_VARYING} else 1)


def _constants(template: Template) -> int:
    return sum(sign[0] != _SLOT and sign not in ".,;!?" for sign in template)


def _joint(one: Template, other: Template) -> Template | None:
    """The template that has a slot where the two differ; None if they differ in more than a short run."""
    shorter = min(len(one), len(other))
    head = next((n for n in range(shorter) if one[n] != other[n]), shorter)
    tail = next((n for n in range(shorter - head) if one[-1 - n] != other[-1 - n]), shorter - head)
    middles = one[head : len(one) - tail], other[head : len(other) - tail]
    rest = one[:head] + one[len(one) - tail :]
    if not all(0 < len(middle) <= 4 for middle in middles) or _constants(rest) < max(3, 0.5 * _constants(one)):
        return None
    slot = _VARYING
    if one[head - 1 : head] == (_VARYING,):
        head -= 1
    if tail and one[len(one) - tail] == _VARYING:
        tail -= 1
    return (*one[:head], slot, *one[len(one) - tail :])


def _columns(templates: Sequence[Template], texts: Sequence[str]) -> dict[str, tuple[str, list[Raw]]]:
    """What each text has in the templates' slots: by name, a label and a cell per text; the first statement counts.

    A template that texts repeat belongs to parts of them, and gives nothing.
    """
    forms = [(_anchor(template), _pattern(template), _names(template)) for template in templates]
    found: list[dict[int, re.Match[str]]] = [{} for _ in forms]
    repeats = [0] * len(forms)
    for number, text in enumerate(texts):
        for sentence in sentences(text[:_READ_AT_ALL]):
            folded = sentence.lower()
            for place, (anchor, pattern, _) in enumerate(forms):
                match = pattern.fullmatch(sentence) if anchor in folded else None
                if match and found[place].setdefault(number, match) is not match:
                    repeats[place] += 1
    columns: dict[str, tuple[str, list[Raw]]] = {}
    for (_, _, names), matches, again in zip(forms, found, repeats, strict=True):
        for group, (name, label) in enumerate(names, 1) if again <= 0.5 * len(matches) else ():
            _, cells = columns.setdefault(name, (label, [None] * len(texts)))
            for number, match in matches.items():
                if cells[number] is None:
                    cells[number] = match[group].strip()
    return columns


def _anchor(template: Template) -> str:
    """The longest word of a template: no sentence without it can match."""
    return max((sign for sign in template if sign[0] != _SLOT), key=len)


def _pattern(template: Template) -> re.Pattern[str]:
    parts = [f"({_SHAPES[sign[1:]]})" if sign[0] == _SLOT else re.escape(sign) for sign in template]
    return re.compile(r"\s*".join(parts) + r"\s*", re.IGNORECASE)


def _names(template: Template) -> list[tuple[str, str]]:
    """A name and a label for each slot: the last telling word before it, and what kind of thing it is."""
    names: list[tuple[str, str]] = []
    telling = ""
    between: list[str] = []
    for place, sign in enumerate(template):
        if sign[0] != _SLOT:
            if sign.isalpha() or "-" in sign[1:-1]:
                between.append(sign)
                telling = sign if sign not in STOP_WORDS and sign not in _STATES and len(sign) > 1 else telling
            continue
        following = template[place + 1] if place + 1 < len(template) else ""
        names.append((_name(sign[1:], telling, between, following), _label(template, place)))
        between = []
    counts: Counter[str] = Counter()
    slots = [sign[1:] for sign in template if sign[0] == _SLOT]
    for place, ((name, label), shape) in enumerate(zip(names, slots, strict=True)):
        counts[name] += 1
        names[place] = (
            name if counts[name] == 1 else f"{name}_{shape if counts[name] == 2 else counts[name]}",
            label,
        )
    return names


def _name(shape: str, telling: str, between: Sequence[str], following: str) -> str:
    if (
        shape == "number"
        and following.isalpha()
        and following not in STOP_WORDS
        and (len(following) < 4 or following[-1] == "s")
    ):
        return field_name(following)
    last = between[-1] if between else ""
    suffix = _NAMED_BY_TYPE.get(shape, "")
    if not suffix and last in _STATES:
        suffix = "status"
    elif not suffix and last in _PREPOSITIONS:
        suffix = last
    return field_name(
        "_".join(part for part in (telling, suffix) if part) or ("subject" if shape == "detail" else shape)
    )


def _label(template: Template, place: int) -> str:
    before = template[max(0, place - 5) : place]
    return " ".join(sign if sign[0] != _SLOT else "..." for sign in before) + " ..."


def _plausible(cells: Sequence[Raw]) -> bool:
    """Whether a slot's values are short, differ, and are more than little words."""
    values = [str(cell) for cell in cells if cell is not None]
    lengths = sorted(len(value.split()) for value in values)
    if lengths[len(lengths) // 2] > 4 or sum(length > _LONGEST_VALUE for length in lengths) > 0.1 * len(lengths):
        return False
    distinct = {value.lower() for value in values}
    little = sum(
        not re.search(r"\d", value) and all(w in STOP_WORDS for w in re.findall(r"[^\W_]+", value))
        for value in distinct
    )
    return len(distinct) > 1 and 2 * little < len(distinct)
