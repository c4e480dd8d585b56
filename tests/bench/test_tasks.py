"""Made tasks: their answers are worked out again from the documents, by other means than they were made by."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.bench.scoring import Task, score
from rlm_local.bench.tasks import KINDS, Spec, read_trec, specs
from rlm_local.bench.tasks.code import mutators
from rlm_local.bench.tasks.hires import TOOLS, TOPICS, make_records
from rlm_local.bench.tasks.labelled import LABELS, Texts
from rlm_local.bench.tasks.pairs import CONDITIONS
from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.models import DEFAULT_MODEL
from rlm_local.models.native import prepare

MARKED: Texts = {label: [f"{label} one ?", f"{label} two ?"] for label in LABELS}
"""Lines that say their label, so that a test can read it."""

seeds = st.integers(0, 10**6)


def labelled(documents: Mapping[str, str]) -> list[tuple[date, int, str]]:
    """Day, user and label of lines made from MARKED."""
    found = re.findall(r"Date: (.*?) \|\| User: (\d+) \|\| Instance: (\w+)", documents["questions.txt"])
    return [(datetime.strptime(day, "%b %d, %Y").date(), int(user), label) for day, user, label in found]  # noqa: DTZ007


def table(documents: Mapping[str, str], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(documents[name])))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_spec_is_the_same_task_and_another_seed_is_another(kind: str) -> None:
    spec = Spec(kind, max(2_000, KINDS[kind].least) if KINDS[kind].most > 2_000 else 1_000, 3)
    assert spec.make() == spec.make()
    assert spec.make() != Spec(kind, spec.tokens, 4).make()


def test_every_task_is_asked_for_once_within_what_its_kind_allows() -> None:
    made = specs(["short", "pairs"], [1_000_000, 64_000], range(7, 9))
    cells = ["short 1k", "pairs 64k", "pairs 128k"]
    assert [spec.id for spec in made] == [f"{cell} {seed}" for cell in cells for seed in (7, 8)]


def test_lines_from_data_are_cells_of_their_own() -> None:
    made = specs(["aggregate", "needle"], [2_000], range(1), MARKED)
    assert [spec.cell for spec in made] == ["aggregate-data 2k", "needle 2k"]


@given(seeds)
def test_the_needle_stands_in_the_haystack_once(seed: int) -> None:
    task, documents = Spec("needle", 2_000, seed).make()
    text = " ".join(documents.values())
    key = re.search(r"for (\S+-\S+) that", task.question)
    assert key is not None
    assert re.findall(rf"magic numbers for {key[1]} is: (\d+)\.", text) == [task.answer]


@given(seeds)
def test_aggregates_are_what_the_lines_add_up_to(seed: int) -> None:
    task, documents = Spec("aggregate", 2_000, seed, MARKED).make()
    lines = labelled(documents)
    assert score(task, aggregate_of(task.question, lines), found=True) == 1


def aggregate_of(question: str, lines: Sequence[tuple[date, int, str]]) -> str:
    """The answer to a question of the kind, read off its words."""
    question = question.partition(f"{LABELS['NUM']}. ")[2] or question
    keys = {name: key for key, name in LABELS.items()}
    named = [keys[name] for name in re.findall("|".join(LABELS.values()), question)]
    labels = Counter(dict.fromkeys(LABELS, 0))
    labels.update(label for *_, label in lines)
    if "common among" in question:
        pick = max if "the most" in question else min
        return LABELS[pick(labels, key=labels.__getitem__)]
    if "in comparison" in question:
        ahead = labels[named[0]] - labels[named[1]]
        return "equally common" if ahead == 0 else "more common" if ahead > 0 else "less common"
    if "which date" in question:
        return Counter(day for day, *_ in lines).most_common(1)[0][0].isoformat()
    if "Which user" in question:
        return str(Counter(user for _, user, label in lines if not named or label in named).most_common(1)[0][0])
    chosen = lines
    if month := re.search(r" in (\w+ \d{4}) have", question):
        chosen = [line for line in lines if f"{line[0]:%B %Y}" == month[1]]
    elif between := re.search(r" from (.*?) to (.*?), both", question):
        first, last = (datetime.strptime(day, "%b %d, %Y").date() for day in between.groups())  # noqa: DTZ007
        chosen = [line for line in lines if first <= line[0] <= last]
    elif users := re.search(r"of the users ([\d, ]+)", question):
        chosen = [line for line in lines if line[1] in map(int, users[1].split(","))]
    return str(sum(label == named[0] for *_, label in chosen))


# What each user's lines must be, condition by condition, in the words of the paper's list.
Own = list[tuple[date, str]]


def has(own: Own, label: str, least: int = 1, most: int = 10**9) -> bool:
    return least <= sum(mine == label for _, mine in own) <= most


PAIRED: list[Any] = [
    lambda a: has(a, "NUM") or has(a, "LOC"),
    lambda a: has(a, "ENTY") or has(a, "HUM"),
    lambda a: has(a, "DESC") or has(a, "ABBR"),
    lambda a: (has(a, "HUM") or has(a, "LOC")) and all(d > date(2023, 1, 6) for d, x in a if x == "HUM"),
    lambda a: (has(a, "ENTY") or has(a, "NUM")) and all(d < date(2023, 3, 15) for d, x in a if x == "ENTY"),
    lambda a: has(a, "LOC") or has(a, "ABBR"),
    lambda a: (has(a, "DESC") or has(a, "NUM")) and all(d > date(2023, 2, 1) for d, x in a if x == "NUM"),
    lambda a: has(a, "HUM") or has(a, "DESC"),
    lambda a: (has(a, "ENTY") or has(a, "LOC")) and all(d > date(2023, 4, 10) for d, x in a if x == "LOC"),
    lambda a: (has(a, "NUM") or has(a, "ABBR")) and all(d < date(2023, 5, 20) for d, x in a if x == "ABBR"),
    (lambda a: has(a, "ENTY") and has(a, "ABBR"), lambda b: has(b, "ENTY", 1, 1)),
    (lambda a: has(a, "NUM", 2), lambda b: has(b, "LOC") and has(b, "HUM")),
    (lambda a: has(a, "DESC", 1, 1), lambda b: has(b, "ABBR") and has(b, "ENTY")),
    (lambda a: has(a, "HUM") and has(a, "NUM"), lambda b: has(b, "LOC", 2, 2)),
    (lambda a: has(a, "ENTY") and has(a, "LOC") and has(a, "ABBR"), lambda b: has(b, "NUM", 1, 1)),
    (lambda a: has(a, "DESC") and has(a, "HUM"), lambda b: has(b, "ENTY", 2) and has(b, "ABBR", 1, 1)),
    (lambda a: has(a, "NUM", 1, 1), lambda b: has(b, "LOC") and has(b, "DESC")),
    (lambda a: has(a, "ABBR") and has(a, "HUM", 1, 1), lambda b: has(b, "ENTY") and has(b, "NUM")),
    (lambda a: has(a, "LOC", 2) and has(a, "ENTY"), lambda b: has(b, "DESC", 1, 1) and has(b, "ABBR", 1, 1)),
    (lambda a: has(a, "NUM") and has(a, "HUM"), lambda b: has(b, "LOC") and has(b, "ENTY") and has(b, "ABBR", 1, 1)),
]


@given(seeds)
def test_pairs_are_those_that_meet_the_condition(seed: int) -> None:
    task, documents = Spec("pairs", 2_000, seed, MARKED).make()
    [number] = [n for n, condition in enumerate(CONDITIONS) if f" such that {condition}. " in task.question]
    of = defaultdict[int, Own](list)
    for day, user, label in labelled(documents):
        of[user].append((day, label))
    met = PAIRED[number]
    if callable(met):
        pairs = {(a, b) for a, b in combinations(sorted(of), 2) if met(of[a]) and met(of[b])}
    else:
        one, other = met
        pairs = {
            (a, b)
            for a, b in combinations(sorted(of), 2)
            if (one(of[a]) and other(of[b])) or (one(of[b]) and other(of[a]))
        }
    assert pairs
    assert task.answer == tuple(map(str, sorted(pairs)))


def test_every_condition_reads_differently() -> None:
    assert len({str(condition) for condition in CONDITIONS}) == len(PAIRED) == 20


@given(seeds)
def test_functions_that_mutate_are_seen_to_when_they_run(seed: int) -> None:
    """Each function is run, and its module's variables are looked at before and after."""
    task, documents = Spec("code", 2_000, seed).make()
    assert isinstance(task.answer, tuple)
    changing: list[str] = []
    for source in documents.values():
        names = re.findall(r"^def (\w+)", source, re.MULTILINE)
        for name in names:
            module: dict[str, Any] = {}
            exec(source, module)
            before = repr(sorted((key, value) for key, value in module.items() if key.isupper()))
            module["_LIMIT"] = module["_LIMIT"] and 0  # so that whatever could rebind it does
            module[name](["x", "yy"])
            module["_LIMIT"] = module["_LIMIT"] or int(re.findall(r"^_LIMIT = (\d+)", source, re.MULTILINE)[0])
            after = repr(sorted((key, value) for key, value in module.items() if key.isupper()))
            if before != after:
                changing.append(name)
    assert sorted(task.answer) == sorted(changing)
    assert 3 <= len(task.answer) <= 8


@pytest.mark.parametrize(
    ("body", "mutates"),
    [
        ("    global N\n    N += 1", True),
        ("    global N\n    return N", False),
        ("    N = 1\n    return N", False),
        ("    D['a'] = 1", True),
        ("    del D['a']", True),
        ("    D['a']['b'] += 1", True),
        ("    D = {}\n    D['a'] = 1", False),
        ("    L.append(1)", True),
        ("    return L.count(1)", False),
        ("    def inner():\n        global N\n        N = 2\n    inner()", True),
        ("    other.append(1)", False),
    ],
)
def test_what_counts_as_mutating(body: str, mutates: bool) -> None:
    assert mutators(f"N = 0\nD = {{}}\nL = []\n\ndef f(other):\n{body}\n") == ["f"] * mutates


@given(seeds, st.sampled_from(["count", "argmax"]))
def test_counts_and_rankings_are_what_the_table_says(seed: int, kind: str) -> None:
    task, documents = Spec(kind, 2_000, seed).make()
    rows = table(documents, "hires.csv")
    words = task.question
    for pattern, column in ((r"at the (\w+) branch", "branch"), (r"of a ([\w ]+?)(?= (?:with|in|of|are)|\?)", "tool")):
        if match := re.search(pattern, words):
            rows = [row for row in rows if row[column] == match[1]]
    if match := re.search(r"status (\w+)", words):
        rows = [row for row in rows if row["status"] == match[1]]
    if match := re.search(r"in (\d{4})", words):
        rows = [row for row in rows if row["date"].startswith(match[1])]
    if match := re.search(r"at least (\d+) days", words):
        rows = [row for row in rows if int(row["days"]) >= int(match[1])]
    if kind == "count":
        assert task.answer == len(rows) > 0
    else:
        column = "branch" if "Which branch" in words else "tool"
        assert task.answer == Counter(row[column] for row in rows).most_common(1)[0][0]


@given(seeds)
def test_two_hops_lead_to_the_answer(seed: int) -> None:
    task, documents = Spec("two_hop", 2_000, seed).make()
    customers, hires = table(documents, "customers.csv"), table(documents, "hires.csv")
    assert len({customer["name"] for customer in customers}) == len(customers)
    if match := re.search(r"[Hh]ire (H-\d+)", task.question):
        [hire] = [hire for hire in hires if hire["hire_id"] == match[1]]
        [customer] = [customer for customer in customers if customer["customer_id"] == hire["customer_id"]]
        assert task.answer == customer["town" if "town" in task.question else "name"]
    else:
        [customer] = [customer for customer in customers if re.search(rf"{customer['name']}\b", task.question)]
        [tool] = [tool for tool in TOOLS if tool in task.question]
        own = [hire for hire in hires if hire["customer_id"] == customer["customer_id"] and hire["tool"] == tool]
        assert {hire["branch"] for hire in own} == {task.answer}


@given(seeds)
def test_messages_of_a_meaning_are_counted_by_what_they_were_made_from(seed: int) -> None:
    task, documents = Spec("semantic", 4_000, seed).make()
    [branch] = re.findall(r"the (\w+) branch", task.question)
    [month] = re.findall(r"[Ii]n (\w+ \d{4})", task.question)
    [topic] = [topic for topic in TOPICS if topic in task.question]
    chosen = [
        row["text"]
        for row in table(documents, "messages.csv")
        if row["branch"] == branch and f"{date.fromisoformat(row['date']):%B %Y}" == month
    ]
    assert 4 <= len(chosen) <= 30
    phrases = [re.escape(phrase).replace(r"\{tool\}", ".+") for phrase in TOPICS[topic]]
    assert task.answer == sum(any(re.fullmatch(phrase, text) for phrase in phrases) for text in chosen)


@given(seeds)
def test_what_is_not_there_is_not_there(seed: int) -> None:
    task, documents = Spec("not_there", 2_000, seed).make()
    text = "\n".join(documents.values())
    if match := re.search(r"price of hire (H-\d+)|the customer (Ludmila \w+)", task.question):
        assert (match[1] or match[2]) not in text
    else:
        assert "phone" not in text
        assert "repaired" not in text


def test_customers_of_a_long_task_have_names_of_their_own() -> None:
    names = [customer.name for customer in make_records(4_000_000, Random(1)).customers]
    assert len(names) > 256 * 27
    assert len(set(names)) == len(names)


@given(seeds)
def test_a_short_note_states_the_answer_once(seed: int) -> None:
    task, documents = Spec("short", 1_000, seed).make()
    thing = re.search(r".*the (.+?)(?: kept| checked)?\?$", task.question)
    assert thing is not None
    [fact] = re.findall(rf"The {thing[1]} is kept [^.]+\.", documents["note.txt"])
    assert score(task, fact, found=True) == 1


def test_trec_is_read_by_label(tmp_path: Path) -> None:
    file = tmp_path / "trec.label"
    file.write_text("".join(f"{label}:fine What   is {label} ?\n" for label in LABELS), "latin-1")
    assert read_trec(file) == {label: [f"What is {label} ?"] for label in LABELS}


@pytest.mark.parametrize(
    ("text", "problem"), [("NUM:count\n", "line 1 is no line"), ("NUM:count How many ?\n", "no line for ABBR")]
)
def test_what_is_no_trec_is_told(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "trec.label"
    file.write_text(text)
    with pytest.raises(UsageError, match=problem):
        read_trec(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_trec(tmp_path / "none")


def pairs_task(answer: tuple[str, ...]) -> Task:
    return Task("p", "pairs", "Which pairs?", (), "pairs", answer)


@pytest.mark.parametrize(
    ("gold", "text", "expected"),
    [
        (("(1, 2)", "(1, 3)"), "(1, 2), (3, 1)", 1.0),
        (("(1, 2)", "(1, 3)"), "There are 2 pairs:\n1, 2\n", 2 / 3),
        (("(1, 2)",), "(5, 6)", 0.0),
        (("(1, 2)",), "[[1, 2], [7, 8], [9, 10]]", 0.5),
        ((), "There are none.", 1.0),
        ((), "(1, 2)", 0.0),
    ],
)
def test_pairs_are_scored_by_f1(gold: tuple[str, ...], text: str, expected: float) -> None:
    assert score(pairs_task(gold), text, found=True) == pytest.approx(expected)


def test_pairs_may_be_many_and_are_not_given_by_an_answer_that_is_not_found() -> None:
    gold = tuple(f"({n}, {n + 1})" for n in range(0, 2_000, 2))
    assert score(pairs_task(gold), ", ".join(gold), found=True) == 1
    assert score(pairs_task(gold), ", ".join(gold), found=False) == 0


@pytest.mark.parametrize(("text", "expected"), [("12", 1.0), ("11", 0.75), ("14", 0.75**2), ("many", 0.0)])
def test_a_count_that_is_near_counts_for_less(text: str, expected: float) -> None:
    assert score(Task("n", "k", "How many?", (), "near", 12), text, found=True) == pytest.approx(expected)


def test_an_answer_that_names_the_wrong_one_too_is_none() -> None:
    task = Task("t", "k", "Which?", (), "text", "location", against=("entity",))
    assert score(task, "The label location.", found=True) == 1
    assert score(task, "location or entity", found=True) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_in_tokens_are_within_a_twentieth(kind: str) -> None:
    prepare(Home.default())
    import llama_cpp

    path = Home.default().models / f"{DEFAULT_MODEL}.gguf"
    if not path.exists():
        path = path.with_name("qwen2.5-coder-0.5b.gguf")  # the same vocabulary
    vocabulary = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    for spec in specs([kind], [2_000, 16_000], range(4)):
        _, documents = spec.make()
        tokens = sum(len(vocabulary.tokenize(text.encode(), add_bos=False)) for text in documents.values())
        assert tokens == pytest.approx(spec.tokens, rel=0.05)
