"""How well an answer in free text meets the known one: strict rules, so that hedging or dumping text earns nothing."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from rlm_local.errors import UsageError

Scorer = Literal["number", "near", "text", "set", "pairs", "not_found", "yes_no"]

LONGEST_ANSWER = 400  # characters; a longer text is a dump in which anything could be found
_SLACK = 1e-6
_NEAR = 0.75  # what each step away from a count costs, as in OOLONG (arXiv 2511.02817)


@dataclass(frozen=True)
class Task:
    """One line of a questions file; see `load_tasks` for the format."""

    id: str
    kind: str
    question: str
    paths: tuple[Path, ...]  # what the question is asked of
    scorer: Scorer
    answer: str | float | tuple[str, ...]
    accept: tuple[str, ...] = ()  # text: other wordings that count
    tolerance: float = 0.0  # number: how far off still counts
    against: tuple[str, ...] = ()  # text: wordings of wrong answers, none of which may stand beside it
    group: str = ""  # of tasks that are to be trained on together or held out together; empty: those of one wording


def load_tasks(questions: Path) -> list[Task]:
    """Read a JSON Lines file of tasks; its `paths` are relative to the file's own folder.

    Keys: id, kind, question, paths, answer, scorer; optional: accept, tolerance, against, group. Others are left alone.
    Raises UsageError naming the file and the line that is not such a task.
    """
    tasks: list[Task] = []
    for number, line in enumerate(questions.read_text(encoding="utf-8").splitlines(), 1):
        try:
            tasks.append(_task(json.loads(line), questions.parent))
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{questions}, line {number} is not a task: {error!r}",
                remedy="examples/questions.jsonl shows the format",
            ) from error
    return tasks


def score(task: Task, answer_text: str, found: bool) -> float:
    """0.0 to 1.0 for the answer to a task. `found` is False where the engine says "not in the documents".

    number     1 if the number that the answer states is within `tolerance` of the known one. Which number an answer
               states: see `stated_number`.
    near       0.75 to the power of how far the number that the answer states is from the known one.
    text       1 if the known answer or an accepted wording stands in the text as a whole phrase, whatever its case,
               accents and punctuation, and none of those against it does.
    set        F1 of the elements. An element is a piece between commas, semicolons, line breaks or "and"; a lead-in
               that ends with a colon is not counted.
    pairs      F1 of unordered pairs of numbers; 1 where there are none and none are given. Of any length.
    not_found  1 if `found` is False or the text says that the documents do not hold it.
    yes_no     1 if the first word, or the only one of the two that occurs, is the known one.

    Other texts longer than `LONGEST_ANSWER` score 0; so does every other scorer than not_found where `found` is False.
    """
    if task.scorer == "not_found":
        return float(not found or (len(answer_text) <= LONGEST_ANSWER and bool(_NOT_THERE.search(answer_text))))
    if task.scorer == "pairs" and isinstance(task.answer, tuple):
        return _f1_of_pairs(task.answer, answer_text if found else "")
    if not found or len(answer_text) > LONGEST_ANSWER:
        return 0.0
    match task.answer:
        case tuple():
            return _f1(task.answer, answer_text)
        case str() if task.scorer == "yes_no":
            return float(_yes_or_no(answer_text) == task.answer)
        case str():
            return float(_holds(answer_text, (task.answer, *task.accept)) and not _holds(answer_text, task.against))
        case _:
            stated = stated_number(answer_text, task.question)
            if stated is None:
                return 0.0
            off = abs(stated - task.answer)
            return _NEAR**off if task.scorer == "near" else float(off <= task.tolerance + _SLACK)


def stated_number(text: str, question: str) -> float | None:
    """The one number that a text states, or None if it states none or leaves open which.

    Identifiers (P-10482), dates (2024-03-05) and times are no numbers here. Numbers that the question already holds
    (the year, a threshold) are passed over unless there are no others. Then, in this order: the number right after
    "answer", "total" or "=" (the last of these); the number that the text begins with, unless it opens a range; the
    only number. Words (up to
    ninety-nine, and none or no for 0) are read where there are no digits.
    """
    text = _NOT_A_NUMBER.sub(" ", text.replace("*", ""))
    numbers = [(match.start(), _parse(match[0])) for match in _NUMBER.finditer(text)]
    if not numbers:
        return _spelled(text)
    asked = {_parse(match[0]) for match in _NUMBER.finditer(_NOT_A_NUMBER.sub(" ", question))}
    numbers = [number for number in numbers if number[1] not in asked] or numbers
    values = dict(numbers)
    marked = [values[marker.end()] for marker in _MARKER.finditer(text) if marker.end() in values]
    if marked:
        return marked[-1]
    start, first = numbers[0]
    if not re.search(r"\w", text[:start]) and not _RANGE.match(text, start):
        return first
    return first if len(set(values.values())) == 1 else None


_NOT_A_NUMBER = re.compile(
    r"\d{4}-\d{2}-\d{2}|\b\d{1,2}:\d{2}(?::\d{2})?\b"  # dates, times
    r"|\b\w*[A-Za-z_]\w*(?:-\w*\d\w*)+\b|\b[A-Za-z_]\w*\d\w*\b"  # P-10482, V-2024-0001, kestrel-3, H05
)
_NUMBER = re.compile(r"(?<![\w.,-])-?\d{1,3}(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\w)|(?<!\w)-?\d+(?:[.,]\d+)*")
_MARKER = re.compile(r"(?:\banswer(?: is)?|\btotal(?: is| of)?|=)\s*:?\s*[^\w\s-]?\s*", re.IGNORECASE)
_RANGE = re.compile(r"-?[\d.,]+\s*(?:-|\u2013|/|to|or)\s*\d")
_PAIR = re.compile(r"(\d+)\W+(\d+)")
_NOT_THERE = re.compile(
    r"\bnot found\b|\bno (?:mention|information|record|reference|data|such|entry|evidence|answer)\b"
    r"|\bnothing (?:about|on|in)\b"
    r"|(?:\bnot|n['\u2019]t)\s+(?:\w+ ){0,2}?(?:in the|mention|contain|hold|state|specif|includ|given|provid|appear|"
    r"find|list|exist|say|available|present|determin|known)",
    re.IGNORECASE,
)
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {
    **{word: n for n, word in enumerate(_UNITS)},
    **{ten: 10 * n for n, ten in enumerate(_TENS, 2)},
    **{f"{ten} {unit}": 10 * n + m for n, ten in enumerate(_TENS, 2) for m, unit in enumerate(_UNITS[1:10], 1)},
    "none": 0,
    "no": 0,
}
_WORD = re.compile(r"\b(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")\b")


def _parse(digits: str) -> float:
    """1,234.50 and 1.234,50 and 1 234 as a person reads them; a single point is a decimal point."""
    digits = re.sub(r"[ '\u00a0\u202f]", "", digits)
    if "," in digits and "." in digits:
        thousands, decimal = (",", ".") if digits.rindex(".") > digits.rindex(",") else (".", ",")
        return float(digits.replace(thousands, "").replace(decimal, "."))
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+|-?\d{1,3}(?:\.\d{3}){2,}", digits):
        return float(re.sub("[.,]", "", digits))
    head, *tail = re.split("[.,]", digits)
    return float(f"{head}.{''.join(tail) or 0}")


def _spelled(text: str) -> float | None:
    words = {_WORDS[word] for word in _WORD.findall(_normalise(text))}
    return float(words.pop()) if len(words) == 1 else None


def _normalise(text: str) -> str:
    """Lower case, no accents, no punctuation but the points and commas inside numbers, single spaces."""
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return " ".join(re.sub(r"(?<!\d)[^\w\s]|[^\w\s](?!\d)|[^\w\s.]", " ", text).replace("_", " ").split())


def _yes_or_no(text: str) -> str | None:
    words = _normalise(text).split()
    if words and words[0] in {"yes", "no"}:
        return words[0]
    said = {"yes", "no"}.intersection(words)
    return said.pop() if len(said) == 1 else None


def _holds(text: str, wordings: Iterable[str]) -> bool:
    text = f" {_normalise(text)} "
    return any(f" {_normalise(wording)} " in text for wording in wordings)


def _f1_of_pairs(gold: tuple[str, ...], text: str) -> float:
    known, given = ({frozenset(pair) for pair in _PAIR.findall(each)} for each in (" ".join(gold), text))
    return 2 * len(known & given) / (len(known) + len(given)) if known or given else 1.0


def _f1(gold: tuple[str, ...], text: str) -> float:
    pieces = [piece for piece in re.split(r"[,;\n]|\band\b|(?<=:)\s", text) if re.search(r"\w", piece)]
    pieces = [piece for piece in pieces if not piece.rstrip().endswith(":")] or pieces
    hits: set[str] = set()
    misses = 0
    for piece in pieces:
        inside = {element for element in gold if f" {_normalise(element)} " in f" {_normalise(piece)} "}
        hits |= inside
        misses += not inside
    return 2 * len(hits) / (len(hits) + misses + len(gold))


def _task(row: Mapping[str, Any], folder: Path) -> Task:
    scorer, answer = row["scorer"], row["answer"]
    if scorer not in get_args(Scorer):
        raise ValueError(f"unknown scorer {scorer}")
    wanted = {"number": (int, float), "near": (int, float), "set": list, "pairs": list}.get(scorer, str)
    if not isinstance(answer, wanted):
        raise TypeError(f"scorer {scorer} does not go with the answer {answer!r}")
    group = row.get("group", "")
    if not isinstance(group, str):
        raise TypeError(f"the group {group!r} is no text")
    return Task(
        id=row["id"],
        kind=row["kind"],
        question=row["question"],
        paths=tuple(folder / path for path in row["paths"]),
        scorer=scorer,
        answer=tuple(row["answer"]) if wanted is list else row["answer"],
        accept=tuple(row.get("accept", ())),
        tolerance=row.get("tolerance", 0.0),
        against=tuple(row.get("against", ())),
        group=group,
    )
