"""The examples are what the generator writes, and their answers hold when computed again from the files alone."""

import ast
import csv
import email
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from rlm_local.bench.scoring import Task, load_tasks, score

EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDS = EXAMPLES / "records"
TASKS = {task.id: task for task in load_tasks(EXAMPLES / "questions.jsonl")}
KINDS = ("count", "argmax", "lookup", "two_hop", "needle", "judge", "list", "not_there", "short")
NUMBER_WORDS = {9: "nine"}


def documents(*paths: Path) -> Iterator[Path]:
    for path in paths:
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def text_of(task: Task) -> str:
    """All that the task may be answered from, with each run of white space as one space."""
    return " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in documents(*task.paths))


def rows(path: str) -> list[dict[str, str]]:
    with (RECORDS / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lines_of_json(path: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (RECORDS / path).read_text(encoding="utf-8").splitlines()]


def staff() -> list[dict[str, Any]]:
    return json.loads((RECORDS / "registers/staff.json").read_text(encoding="utf-8"))


def portal() -> list[dict[str, str]]:
    return [
        {"day": line[:10], **dict(re.findall(r"(\w+)=(\S+)", line))}
        for line in (RECORDS / "logs/portal.log").read_text(encoding="utf-8").splitlines()
    ]


def letter_from(name: str) -> str:
    found: list[str] = []
    for path in documents(RECORDS / "letters"):
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        if str(message["From"]).startswith(name):
            found.append(f"{message['Subject']} {message.get_content()}")
    (only,) = found
    return only


def functions() -> list[tuple[str, bool, bool]]:
    """Name, audited, writes a global."""
    return [
        (
            node.name,
            any(isinstance(mark, ast.Name) and mark.id == "audited" for mark in node.decorator_list),
            any(isinstance(inner, ast.Global) for inner in ast.walk(node)),
        )
        for path in documents(RECORDS / "code")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]


def asked_about(task: str, pattern: str) -> str:
    match = re.search(pattern, TASKS[task].question)
    assert match, TASKS[task].question
    return match[0]


def only(values: list[str]) -> str:
    (value,) = set(values)
    return value


def test_the_generator_writes_these_files(tmp_path: Path) -> None:
    command = [sys.executable, "-B", str(EXAMPLES / "generate.py"), "--into", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in documents(tmp_path)}
    parts = (EXAMPLES / "records", EXAMPLES / "short", EXAMPLES / "questions.jsonl")
    assert written == {path.relative_to(EXAMPLES): path.read_bytes() for path in documents(*parts)}


def test_there_is_enough_to_read() -> None:
    sizes = [path.stat().st_size for path in documents(RECORDS)]
    assert len(sizes) >= 40
    assert 1_000_000 < sum(sizes) < 1_300_000
    assert all(path.stat().st_size < 4_000 for path in documents(EXAMPLES / "short"))


def test_every_kind_is_asked_for() -> None:
    kinds = Counter(task.kind for task in TASKS.values())
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 4
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(TASKS) == len(lines) >= 34  # no id twice


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_question_is_asked_of_what_is_there(task: Task) -> None:
    assert task.paths
    assert all(path.exists() for path in task.paths)
    assert task.kind != "list" or (isinstance(task.answer, tuple) and 2 <= len(task.answer) <= 8)
    if task.kind == "judge":
        assert isinstance(task.answer, int)
        assert task.answer > task.tolerance


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_known_answer_scores_1_and_another_0(task: Task) -> None:
    stated = ", ".join(task.answer) if isinstance(task.answer, tuple) else str(task.answer)
    assert score(task, stated, task.kind != "not_there") == 1.0
    assert score(task, "Ludmila Nobody, 987654", True) == 0.0
    assert all(score(task, wording, True) == 1.0 for wording in task.accept)


@pytest.mark.parametrize(
    "task", [t for t in TASKS.values() if t.kind in {"lookup", "needle", "list"}], ids=lambda t: t.id
)
def test_the_answer_stands_in_the_documents(task: Task) -> None:
    text = text_of(task)
    for answer in task.answer if isinstance(task.answer, tuple) else (task.answer,):
        number_word = NUMBER_WORDS.get(int(answer), str(answer)) if isinstance(answer, int | float) else str(answer)
        assert str(answer) in text or number_word in text


@pytest.mark.parametrize("task", [t for t in TASKS.values() if t.kind == "needle"], ids=lambda t: t.id)
def test_a_needle_is_in_one_document(task: Task) -> None:
    clue = {
        "needle-1": "copper heron",
        "needle-2": "bitten through",
        "needle-3": "umbrella",
        "needle-4": "checksum mismatch",
        "needle-5": "isolation room",
        "needle-6": "ahead of the time server",
        "needle-7": "vault",
        "needle-8": "reserve generator",
        "needle-9": "empties the confidential letter box",
        "needle-10": "blue theatre soap",
    }[task.id]
    texts = (" ".join(path.read_text(encoding="utf-8").split()) for path in documents(*task.paths))
    assert sum(text.count(clue) for text in texts) == 1


@pytest.mark.parametrize(
    "row",
    [json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()],
    ids=lambda row: row["id"],
)
def test_what_is_not_there_is_not_there(row: dict[str, Any]) -> None:
    assert (row["kind"] == "not_there") == bool(row["absent"])
    text = text_of(TASKS[row["id"]]).casefold()
    assert not [term for term in row["absent"] if term.casefold() in text]


def test_counts() -> None:
    visits, invoices, tickets = (
        rows("visits/2024.csv"),
        rows("invoices/2025.csv"),
        lines_of_json("exports/tickets.jsonl"),
    )
    assert TASKS["count-1"].answer == sum(v["department"] == "Neurology" and v["status"] == "no-show" for v in visits)
    visits = rows("visits/2025.csv")
    assert TASKS["count-2"].answer == sum(v["site"] == "Tarnwick" and v["status"] == "cancelled" for v in visits)
    user = asked_about("count-3", r"(?<= of )\w+(?= in the portal log)")
    assert TASKS["count-3"].answer == sum(
        (e["user"], e["event"], e["result"]) == (user, "LOGIN", "FAILED") for e in portal()
    )
    assert TASKS["count-4"].answer == sum((t["category"], t["priority"]) == ("printing", "high") for t in tickets)
    assert TASKS["count-5"].answer == sum(float(i["amount"]) > 300 and i["status"] == "overdue" for i in invoices)
    assert TASKS["count-6"].answer == sum(writes and not audited for _, audited, writes in functions())


def test_the_most() -> None:
    visits_2024, visits_2025 = rows("visits/2024.csv"), rows("visits/2025.csv")
    billed = Counter[str]()
    for invoice in rows("invoices/2025.csv"):
        billed[invoice["department"]] += round(float(invoice["amount"]) * 100)
    counts = (
        Counter(v["physician"] for v in visits_2025 if v["status"] == "completed"),
        Counter(v["site"] for v in visits_2024 if v["status"] == "cancelled"),
        Counter(e["user"] for e in portal() if (e["event"], e["result"]) == ("LOGIN", "FAILED")),
        Counter(t["category"] for t in lines_of_json("exports/tickets.jsonl") if t["status"] == "open"),
        billed,
    )
    for number, count in enumerate(counts, 1):
        (first, most), (_, second) = count.most_common(2)
        assert (TASKS[f"argmax-{number}"].answer, most > second) == (first, True)


def test_lookups() -> None:
    invoice = asked_about("lookup-1", r"I-\d+-\d+")
    assert [float(i["amount"]) for i in rows("invoices/2024.csv") if i["invoice_id"] == invoice] == [
        TASKS["lookup-1"].answer
    ]
    visit = asked_about("lookup-2", r"V-\d+-\d+")
    assert [v["date"] for v in rows("visits/2025.csv") if v["visit_id"] == visit] == [TASKS["lookup-2"].answer]
    name = asked_about("lookup-3", r"(?<=Dr )\w+ \w+")
    assert [p["extension"] for p in staff() if p["name"] == name] == [TASKS["lookup-3"].answer]
    ticket = asked_about("lookup-4", r"T-\d+")
    assert [t["agent"] for t in lines_of_json("exports/tickets.jsonl") if t["ticket"] == ticket] == [
        TASKS["lookup-4"].answer
    ]
    patient = asked_about("lookup-5", r"P-\d+")
    assert [p["insurer"] for p in rows("registers/patients.csv") if p["patient_id"] == patient] == [
        TASKS["lookup-5"].answer
    ]
    assert re.findall(r"SESSION_MINUTES = (\d+)", text_of(TASKS["lookup-6"])) == [str(TASKS["lookup-6"].answer)]


def test_two_hops() -> None:
    billed = {i["invoice_id"]: float(i["amount"]) for year in (2024, 2025) for i in rows(f"invoices/{year}.csv")}
    seen_by = {v["visit_id"]: v["physician"] for year in (2024, 2025) for v in rows(f"visits/{year}.csv")}
    by_name = {p["name"]: p for p in staff()}
    handbook = " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in documents(RECORDS / "handbook"))
    for task in ("two_hop-1", "two_hop-2"):
        letter = letter_from(asked_about(task, r"[A-Z]\w+ [A-Z][\w-]+(?= (has written|asks))"))
        assert TASKS[task].answer == billed[only(re.findall(r"I-\d+-\d+", letter))]
    letter = letter_from(asked_about("two_hop-3", r"^[A-Z]\w+ [A-Z][\w-]+"))
    assert TASKS["two_hop-3"].answer == seen_by[only(re.findall(r"V-\d+-\d+", letter))]
    keeper = only(re.findall(r"in Tarnwick is carried by Dr (\w+ \w+)\.", handbook))
    assert TASKS["two_hop-4"].answer == by_name[keeper]["extension"]
    ticket = asked_about("two_hop-5", r"T-\d+")
    reporter = only([t["reporter"] for t in lines_of_json("exports/tickets.jsonl") if t["ticket"] == ticket])
    assert TASKS["two_hop-5"].answer == by_name[reporter]["room"]
    countersigner = only(re.findall(r"countersigned by Dr (\w+ \w+),", handbook))
    assert TASKS["two_hop-6"].answer == by_name[countersigner]["department"]
    note = only([n for path in documents(RECORDS / "notes") for n in path.read_text().split("\n\n") if "bassoon" in n])
    patient = only(re.findall(r"P-\d+", note))
    names = {p["patient_id"]: p["name"] for p in rows("registers/patients.csv")}
    assert TASKS["two_hop-7"].answer == names[patient]


def test_lists() -> None:
    overdue = Counter(i["patient_id"] for i in rows("invoices/2025.csv") if i["status"] == "overdue")
    jobs = (RECORDS / "logs/jobs.log").read_text(encoding="utf-8").splitlines()
    expected = (
        {p["name"] for p in staff() if p["site"] == "Ostrel Bay" and "Thursday" in p["clinic_days"]},
        {e["user"] for e in portal() if e["event"] == "ACCOUNT_LOCKED" and e["day"].startswith("2025-04")},
        {line.split()[3] for line in jobs if "no space left" in line},
        {name for name, audited, writes in functions() if audited and writes},
        {patient for patient, count in overdue.items() if count >= 2},
    )
    for number, names in enumerate(expected, 1):
        answer = TASKS[f"list-{number}"].answer
        assert isinstance(answer, tuple)
        assert set(answer) == names
        assert len(answer) == len(names)


@pytest.mark.parametrize("task", [t for t in TASKS.values() if t.kind == "judge"], ids=lambda t: t.id)
def test_judgements_follow_from_the_phrase_bank(task: Task) -> None:
    """Each line that means the theme, as a pattern, is looked for in the written items."""
    (path,) = task.paths
    theme = {1: "waiting", 2: "medicine", 3: "alone", 4: "fear", 5: "ignored", 6: "access"}[int(task.id[-1])]
    bank = "feedback" if path.suffix == ".jsonl" else "notes"
    lines = (EXAMPLES / f"making/phrases/{bank}.txt").read_text(encoding="ascii")
    meant = lines.split(f"== {theme}.yes\n")[1].split("\n==")[0].splitlines()
    patterns = [re.compile(as_pattern(line)) for line in filter(None, meant)]
    text = path.read_text(encoding="utf-8")
    if bank == "feedback":
        items = [json.loads(line)["comment"] for line in text.splitlines()]
    else:
        items = [item for item in text.split("\n\n") if item]
    assert 25 <= len(items) <= 60
    assert task.answer == sum(any(pattern.search(item) for pattern in patterns) for item in items)


def as_pattern(template: str) -> str:
    escaped = re.sub(r"\\{\w+\\}", r"\\w+", re.escape(template))
    return escaped.replace(r"\[", "(?:").replace(r"\]", ")").replace(r"\|", "|")
