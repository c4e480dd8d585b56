"""Semantic functions in SQL, over a database of the test's own: what is asked, and what comes of it."""

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from rlm_local.engine.budget import Price
from rlm_local.engine.semantic import Desk
from rlm_local.engine.semantic.costs import Costs
from rlm_local.engine.semantic.desk import PriceOf, Value
from rlm_local.engine.toolbox import hand_over
from rlm_local.toolbox import SqlError
from rlm_local.toolbox.database import Database
from rlm_sandbox import HostCallRefused, Image, Session

_ROWS = 600
_PRICE = 10


def _flat(_function: str, texts: Sequence[str], _constants: tuple[str, ...]) -> Costs:
    return Costs(0, [Price(_PRICE * number, number) for number in range(len(texts) + 1)])


class Host:
    """Says yes to texts with an even number, and keeps what it was asked. Each text costs 10 tokens.

    Args:
        room: tokens that may be spent.
        patience: how many texts it answers of those it is asked about at once.
    """

    def __init__(self, room: int = 1_000_000, price: PriceOf | None = None, patience: int = 1_000_000) -> None:
        self.tokens, self.patience = room, patience
        self.asked: list[tuple[str, list[str], tuple[str, ...]]] = []
        self.notes: list[Mapping[str, Any]] = []
        self.desk = Desk(self, price or _flat, self.notes.append)

    def room(self, once: int) -> Price:
        return Price(self.tokens, 1_000_000, 1_000_000)

    def ask(self, function: str, texts: Sequence[str], constants: tuple[str, ...], costs: Costs) -> list[Value]:
        texts = texts[: self.patience]
        self.asked.append((function, list(texts), constants))
        self.tokens -= costs.of(0, len(texts)).tokens
        return [self._value(function, text, constants) for text in texts]

    @staticmethod
    def _value(function: str, text: str, constants: tuple[str, ...]) -> Value:
        even = int(text.split()[1]) % 2 == 0
        return {"judge": int(even), "classify": constants[int(even)] if function == "classify" else ""}.get(
            function, text.split()[0] if even else None
        )

    def __call__(self, name: str, **arguments: Any) -> Any:
        """As a session would: what passes is JSON."""
        return json.loads(json.dumps(self.desk.calls()[name](**json.loads(json.dumps(arguments)))))

    @property
    def texts(self) -> list[int]:
        """How many texts each question was about."""
        return [len(texts) for _, texts, _ in self.asked]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("collection") / "some.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (id INTEGER, year INTEGER, price REAL, text TEXT, document TEXT)")
    rows = [(n, 2000 + n % 10, n % 7, f"note {n // 2}", f"file {n % 3}") for n in range(_ROWS)]
    connection.executemany("INSERT INTO notes VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("INSERT INTO notes VALUES (NULL, 2000, 1, NULL, NULL)")
    connection.commit()
    connection.close()
    return path


def _database(path: Path, host: Host) -> tuple[Any, list[str]]:
    said: list[str] = []
    return Database(str(path), host, said.append).sql, said


def test_texts_are_asked_about_once_and_after_the_plain_conditions(path: Path) -> None:
    host = Host()
    sql, said = _database(path, host)
    rows = sql(
        "SELECT id, text FROM notes WHERE judge(text, 'Even?') AND year = 2003 ORDER BY judge(text, 'Even?'), id"
        " LIMIT 2"
    )
    assert [tuple(row) for row in rows] == [(13, "note 6"), (33, "note 16")]
    assert host.asked == [("judge", [f"note {n // 2}" for n in range(3, _ROWS, 10)], ("Even?",))]
    assert (host.notes, said) == ([], [])
    sql("SELECT COUNT(*) FROM notes WHERE year = 2003 AND NOT judge(text, 'Even?')")
    assert len(host.asked) == 1


def test_each_condition_spares_the_next_one_work(path: Path) -> None:
    host = Host()
    sql, _ = _database(path, host)
    (row,) = sql(
        "SELECT COUNT(extract(text, 'it')) AS found FROM notes "
        "WHERE id < 40 AND judge(text, 'a') AND classify(text, 'x, y') = 'y'"
    )
    assert (row.found, host.texts, [function for function, _, _ in host.asked]) == (
        20,
        [20, 10, 10],
        ["judge", "classify", "extract"],
    )


def test_answers_stand_wherever_a_value_may(path: Path) -> None:
    sql, _ = _database(path, Host())
    counts = "SELECT classify(text, 'odd', 'even') AS kind, COUNT(*) FROM notes WHERE id < 40 GROUP BY kind ORDER BY 1"
    assert [tuple(row) for row in sql(counts)] == [("even", 20), ("odd", 20)]
    pairs = (
        "SELECT COUNT(*) FROM notes a JOIN notes b ON classify(a.text, 'x', 'y') = classify(b.text, 'x', 'y') "
        "AND a.id < b.id WHERE a.id < 8 AND b.id < 8"
    )
    assert sql(pairs)[0][0] == 12
    assert [row[0] for row in sql("SELECT DISTINCT answer(document, 'Who?') FROM notes ORDER BY 1")] == [None, "file"]
    inner = (
        "WITH e AS (SELECT id FROM notes WHERE judge(text, 'q') AND id < 9) SELECT year FROM notes JOIN e USING (id)"
    )
    assert [row.year for row in sql(inner)] == [2000, 2001, 2004, 2005, 2008]


def test_a_list_that_costs_too_much_is_looked_through_as_far_as_it_goes_and_says_so(path: Path) -> None:
    host = Host(room=105)
    sql, said = _database(path, host)
    assert [row.id for row in sql("SELECT id FROM notes WHERE judge(text, 'Even?')")] == [
        0,
        1,
        4,
        5,
        8,
        9,
        12,
        13,
        16,
        17,
    ]
    assert (host.texts, said) == ([10], ["[sql: judge() looked at the first 10 of 300 texts]"])
    assert host.notes == [{"unseen": {"function": "judge", "looked_at": 10, "texts": 300}}]


@pytest.mark.parametrize(
    ("query", "truth", "at_most"),
    [
        ("SELECT COUNT(*) FROM notes WHERE judge(text, 'Even?')", 300, 130),
        ("SELECT COUNT(*) FROM notes WHERE classify(text, 'odd', 'even') = 'even' AND year < 2005", 150, 80),
        ("SELECT 100.0 * SUM(judge(text, 'Even?')) / COUNT(*) FROM notes WHERE text IS NOT NULL", 50, 25),
        ("SELECT SUM(price) FROM notes WHERE judge(text, 'Even?')", 900, 400),
        ("SELECT AVG(price) FROM notes WHERE judge(text, 'Even?')", 3, 1.6),
    ],
)
def test_a_number_that_costs_too_much_is_estimated_and_said_to_be(
    path: Path, query: str, truth: float, at_most: float
) -> None:
    host = Host(room=1_000)
    sql, said = _database(path, host)
    ((value,),) = sql(query)
    (note,) = host.notes
    estimate = note["estimate"]
    assert estimate["value"] == value
    assert estimate["low"] <= value <= estimate["high"] <= estimate["low"] + at_most
    assert estimate["low"] <= truth * 1.02
    assert truth * 0.98 <= estimate["high"]
    assert sum(host.texts) <= 100
    assert estimate["sampled"] <= 200  # each text stands in two rows
    assert len(said) == 1
    assert said[0].startswith(f"[sql: estimated from {estimate['sampled']} of ")
    sure, _ = _database(path, Host())
    assert sure(query)[0][0] == pytest.approx(truth, rel=0.03)


@pytest.mark.parametrize(
    ("query", "room"),
    [
        ("SELECT COUNT(*) FROM notes WHERE judge(text, 'Even?')", 200),
        ("SELECT year, COUNT(*) FROM notes WHERE judge(text, 'Even?') GROUP BY year", 2_000),
        ("SELECT MAX(price) FROM notes WHERE judge(text, 'Even?')", 2_000),
        ("SELECT id FROM notes WHERE judge(text, 'Even?')", 5),
    ],
)
def test_what_costs_too_much_otherwise_is_refused_before_anything_is_asked(path: Path, query: str, room: int) -> None:
    host = Host(room)
    sql, _ = _database(path, host)
    with pytest.raises(SqlError, match=r"judge\(\) would read \d+ texts, some [\d,]+ tokens, and [\d,]+ may be spent"):
        sql(query)
    assert host.asked == []


def test_what_was_said_is_looked_up_and_nothing_more_is_asked(path: Path) -> None:
    host = Host(room=105)
    database = Database(str(path), host, lambda _said: None)
    query = "SELECT id FROM notes WHERE judge(text, 'Even?')"
    with pytest.raises(SqlError, match="cannot be answered here"):
        database.looked_up(query)
    rows = database.sql(query)
    host.tokens = 1_000
    assert database.looked_up(query) == rows
    assert host.texts == [10]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT judge(text, 'q') FROM nowhere", "no such table: nowhere"),
        ("SELECT judge(words, 'q') FROM notes", "no such column: words"),
        ("SELECT (SELECT judge(a.text, 'q')) FROM notes a", "no such column: a.text"),
        ("SELECT judge(text, 'q' FROM notes", "syntax error"),
    ],
)
def test_a_wrong_query_is_told_in_sqlites_words(path: Path, query: str, told: str) -> None:
    host = Host()
    sql, _ = _database(path, host)
    with pytest.raises(SqlError, match=told):
        sql(query)
    assert host.asked == []


def test_parameters_are_refused_with_semantic_functions(path: Path) -> None:
    sql, _ = _database(path, Host())
    with pytest.raises(SqlError, match="no parameters"):
        sql("SELECT judge(text, 'q') FROM notes WHERE year = 2000 LIMIT 1", [1])


@pytest.mark.parametrize(
    "arguments",
    [
        {"function": "delete", "constants": ["q"], "texts": ["a"]},
        {"function": "judge", "constants": "q", "texts": ["a"]},
        {"function": "judge", "constants": ["q"], "texts": [1]},
        {"function": ["judge"], "constants": ["q"], "texts": []},
    ],
)
def test_the_host_does_not_believe_a_cell(arguments: dict[str, Any]) -> None:
    host = Host()
    for name in ("semantic_price", "semantic_ask"):
        with pytest.raises(HostCallRefused):
            host.desk.calls()[name](**arguments)
    assert host.asked == []


def test_the_host_asks_nothing_that_cannot_be_paid() -> None:
    host = Host(room=15)
    with pytest.raises(HostCallRefused, match="20 tokens; 15 are left"):
        host.desk.calls()["semantic_ask"]("judge", ["q"], ["a 1", "b 2"])
    assert host.asked == []


def test_the_sandbox_has_them(image: Image, path: Path) -> None:
    host = Host()
    with Session(image, host_calls=host.desk.calls()) as session:
        hand_over(session, path)
        query = "SELECT COUNT(*) AS n FROM notes WHERE judge(text, 'Even?') AND year = 2003"
        assert session.run(f"sql({query!r})").output == "[(n=30)]\n"
        assert "one text and one question" in (
            session.run("sql(\"SELECT judge(text, 'a', 'b') FROM notes\")").error or ""
        )
    assert host.texts == [60]


def test_a_sample_of_long_texts_is_made_smaller_until_it_fits(path: Path) -> None:
    def price(_function: str, texts: Sequence[str], _constants: tuple[str, ...]) -> Costs:
        each = (1 if int(text.split()[1]) < 100 else 10 for text in texts)
        return Costs(0, [Price(tokens, 0) for tokens in accumulate(each, initial=0)])

    host = Host(600, price)
    sql, _ = _database(path, host)
    ((value,),) = sql("SELECT COUNT(*) FROM notes WHERE judge(text, 'Even?')")
    assert 200 < value < 400
    ((_, texts, _),) = host.asked
    assert 30 <= len(texts) <= price("judge", texts, ()).of(0, len(texts)).tokens <= 600


@pytest.mark.parametrize(
    ("query", "truth"),
    [
        ("SELECT COUNT(*) FROM notes WHERE judge(text, 'Even?')", 300),
        ("SELECT AVG(price) FROM notes WHERE judge(text, 'Even?')", 3),
        ("SELECT SUM(price) FROM notes WHERE judge(text, 'Even?')", 900),
    ],
)
def test_a_number_for_which_time_runs_out_is_estimated_from_what_was_answered(
    path: Path, query: str, truth: float
) -> None:
    host = _Slowing(after=150)
    sql, _ = _database(path, host)
    ((value,),) = sql(query)
    (note,) = host.notes
    assert note["estimate"]["low"] <= truth <= note["estimate"]["high"]
    assert note["estimate"]["value"] == value
    assert sum(host.texts) == 150


def test_a_text_is_summed_as_sqlite_does_and_what_overflows_is_refused_in_words(path: Path) -> None:
    sql, _ = _database(path, Host(room=1_000))
    assert sql("SELECT SUM(document) FROM notes WHERE judge(text, 'Even?')")[0][0] == 0
    assert sql("SELECT AVG(CAST(price AS TEXT)) FROM notes WHERE judge(text, 'Even?')")[0][0] == pytest.approx(3, abs=1)
    with pytest.raises(SqlError, match="cannot be estimated"):
        sql("SELECT SUM(1e308) FROM notes WHERE judge(text, 'Odd?')")


def test_a_list_for_which_time_runs_out_says_how_far_it_came(path: Path) -> None:
    host = _Slowing(after=7)
    sql, said = _database(path, host)
    assert len(sql("SELECT id FROM notes WHERE judge(text, 'Even?')")) == 8
    assert said == ["[sql: judge() looked at the first 7 of 300 texts]"]


class _Slowing(Host):
    """Has time for so many texts, and knows that only then."""

    def __init__(self, after: int) -> None:
        super().__init__(patience=after)

    def room(self, once: int) -> Price:
        return super().room(once) if not self.asked else Price(0, 0)


_SHARES = {
    "ABBR": 17,
    "DESC": 232,
    "ENTY": 250,
    "HUM": 245,
    "LOC": 167,
    "NUM": 179,
    "terminate_account": 22,
    "exchange_rate": 17,
    "age_limit": 17,
}
"""Of 1,090 questions, as many of each kind as in a fifth of TREC's training set; of 240 messages, as in Banking77."""


def test_counts_by_labels_lie_in_their_intervals_and_most_texts_are_not_read(tmp_path: Path) -> None:
    """200 counts, each of another part of made rows with real shares of labels; 150 texts may be asked about."""
    connection = sqlite3.connect(path := tmp_path / "labelled.db")
    connection.execute("CREATE TABLE labelled (id INTEGER, kind TEXT, text TEXT)")
    draw = random.Random(3)
    for kind, share in _SHARES.items():
        rows = 1_090 if kind.isupper() else 240
        held = [1] * share + [0] * (rows - share)
        draw.shuffle(held)
        parts = ((number, kind, f"note {2 * number + 1 - one} {kind}") for number, one in enumerate(held))
        connection.executemany("INSERT INTO labelled VALUES (?, ?, ?)", parts)
    connection.commit()
    held_it = texts = asked = 0
    for number in range(200):
        kind = list(_SHARES)[number % len(_SHARES)]
        host = Host(room=1_500)
        sql, _ = _database(path, host)
        where = f"kind = '{kind}' AND id >= {number // 3}"
        ((truth, rows),) = connection.execute(
            f"SELECT SUM(CAST(substr(text, 6) AS INT) % 2 = 0), COUNT(*) FROM labelled WHERE {where}"
        )
        sql(f"SELECT COUNT(*) FROM labelled WHERE {where} AND judge(text, 'Is it?')")
        [note] = host.notes
        held_it += note["estimate"]["low"] <= truth <= note["estimate"]["high"]
        texts, asked = texts + rows, asked + sum(host.texts)
    connection.close()
    assert held_it >= 0.93 * 200
    assert asked < 0.2 * texts
