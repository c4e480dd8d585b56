"""Logs: entries with their time, head, event and parameters; whatever the program that wrote them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import log as form
from rlm_local.collection.formats.part import Cell, Note, Rows, Text
from rlm_local.collection.formats.source import Source

SECURE = "".join(
    f"Mar {day:2} 0{day}:1{day}:0{day} gate sshd[20{day}]: {message}\n"
    for day, message in enumerate(
        [
            "Failed password for root from 10.0.0.1 port 4022 ssh2",
            "Failed password for root from 10.0.0.2 port 4023 ssh2",
            "Failed password for invalid user ann from 10.0.0.1 port 4024 ssh2",
            "Failed password for invalid user ben from 10.0.0.3 port 4025 ssh2",
            "Failed password for invalid user cho from 10.0.0.3 port 4025 ssh2",
            "authentication failure; logname= uid=0 tty=ssh rhost=10.0.0.9  user=root",
            "session opened for user root by (uid=0)",
            "session closed for user root",
        ],
        1,
    )
)

SERVICE = """\
2024-05-01 10:00:00,123 INFO  [main] org.shop.Server: Started in 12 ms
2024-05-01 10:00:01,000 ERROR [worker-1] org.shop.Orders: Order 17 failed
java.lang.IllegalStateException: no stock

\tat org.shop.Orders.place(Orders.java:17)
Caused by: java.io.IOException: disk
2024-05-01 10:00:02,000 ERROR [worker-2] org.shop.Orders: Order 18 failed
2024-05-01 10:00:03,000 WARN  [worker-2] org.shop.Orders: Sent 4096 bytes to /10.0.0.7:50010
"""

ACCESS = """\
10.0.0.1 - ann [10/Oct/2023:13:55:36 -0700] "GET /a?b=1 HTTP/1.1" 200 2326 "http://x/" "Mozilla/5.0 (\\"X\\")"
10.0.0.2 - - [10/Oct/2023:13:55:37 -0700] "POST /b HTTP/1.1" 404 - "-" "curl"
10.0.0.2 - - [10/Oct/2023:13:55:38 -0700] "\\x16\\x03" 400 0 "-" "-"
"""


def read(text: str, name: str = "a.log") -> list[object]:
    return list(form.read(Source(name, text.encode())))


def table(text: str, name: str = "a.log") -> Rows:
    [found] = [part for part in read(text, name) if isinstance(part, Rows)]
    return found


def rows(text: str) -> list[dict[str, Cell]]:
    found = table(text)
    return [
        {label: cell for label, cell in zip(found.columns, row, strict=True) if cell is not None} for row in found.rows
    ]


def notes(text: str) -> list[str]:
    return [part.problem for part in read(text) if isinstance(part, Note)]


def test_a_message_has_its_event_and_its_parameters_by_the_words_before_them() -> None:
    found = rows(SECURE)
    assert (
        found[2]["event"]
        == found[3]["event"]
        == "Failed password for invalid user <user> from <address> port <port> ssh2"
    )
    assert (found[3]["user"], found[3]["address"], found[3]["port"]) == ("ben", "10.0.0.3", 4025)
    assert (found[0]["host"], found[0]["process"], found[0]["pid"]) == ("gate", "sshd", 201)


def test_the_values_of_keys_are_columns_and_an_address_is_always_one() -> None:
    failure = rows(SECURE * 3)[5]
    assert (failure["uid"], failure["rhost"], failure["user"], failure["address"]) == (
        0,
        "10.0.0.9",
        "root",
        "10.0.0.9",
    )
    assert "logname" not in failure


def test_a_word_that_tells_events_apart_is_no_parameter() -> None:
    lines = [
        f"Mar  1 10:{n:02}:00 gate cron[1]: session {'opened' if n % 2 else 'closed'} for user u{n:03} by cron"
        for n in range(40)
    ]
    assert {row["event"] for row in rows("\n".join(lines))} == {
        "session opened for user <user> by cron",
        "session closed for user <user> by cron",
    }


def test_stamps_without_a_year_are_not_given_one() -> None:
    assert (rows(SECURE)[0]["date"], rows(SECURE)[0]["time"]) == ("03-01", "01:11:01")
    assert notes(SECURE) == ["the stamps leave out the year: `date` is month and day"]


def test_a_year_that_the_log_states_of_an_entrys_own_day_is_taken_and_goes_up_in_january() -> None:
    text = (
        "Dec 30 10:00:00 gate ftpd[1]: start\n"
        "Dec 31 10:00:00 gate ftpd[1]: connection at Sat Dec 31 10:00:00 2005\n"
        "Jan  1 10:00:00 gate ftpd[1]: stop\n"
    )
    assert [row["timestamp"] for row in rows(text)] == [
        "2005-12-30 10:00:00",
        "2005-12-31 10:00:00",
        "2006-01-01 10:00:00",
    ]


def test_a_stack_trace_with_blank_lines_is_part_of_its_entry() -> None:
    found = table(SERVICE)
    assert len(found.rows) == 4
    assert found.spans
    start, end = found.spans[1]
    assert SERVICE[start:end].endswith("Caused by: java.io.IOException: disk")
    row = rows(SERVICE)[1]
    assert row["event"] == rows(SERVICE)[2]["event"] == "Order <number> failed"
    assert str(row["message"]).startswith("Order 17 failed\njava.lang.IllegalStateException")
    assert (row["timestamp"], row["level"], row["tag"], row["component"]) == (
        "2024-05-01 10:00:01",
        "ERROR",
        "worker-1",
        "org.shop.Orders",
    )


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        ("2024-05-0{n}T10:00:00.123Z INFO up", "2024-05-01 10:00:00"),
        ("2024/05/0{n} 10:00:00 [error] 12#0: up", "2024-05-01 10:00:00"),
        ("[Wed May 0{n} 10:00:00 2024] [notice] up", "2024-05-01 10:00:00"),
        ("2005-06-0{n}-15.42.50.675872 up", "2005-06-01 15:42:50"),
        ("20171223-2{n}:15:29:606|Step|3|up", "2017-12-23 21:15:29"),
        ("08110{n} 203615 148 INFO dfs.Node: up", "2008-11-01 20:36:15"),
        ("171460000{n} up", "2024-05-01 21:46:41"),
        ("<34>1 2024-05-0{n}T10:00:00Z host app 1 - - up", "2024-05-01 10:00:00"),
        ("web_1  | 2024-05-0{n} 10:00:00 up", "2024-05-01 10:00:00"),
        ("01.0{n}.2024, 10:00:00 PM - up", "2024-01-01 22:00:00"),
    ],
)
def test_forms_of_stamps(line: str, stamp: str) -> None:
    text = "".join(line.replace("{n}", str(n)) + "\n" for n in range(1, 5))
    assert rows(text)[0]["timestamp"] == stamp


def test_day_and_month_are_told_by_the_order_of_the_entries() -> None:
    days = [f"0{day}/05/2024 10:00:00 INFO up" for day in (1, 2, 3)]
    assert [row["timestamp"] for row in rows("\n".join(days))][1] == "2024-02-05 10:00:00"
    assert notes("\n".join(days)) == ["day and month cannot be told apart: read as month day year"]
    later = [*days, "13/05/2024 10:00:00 INFO up"]
    assert [row["timestamp"] for row in rows("\n".join(later))][1] == "2024-05-02 10:00:00"
    assert notes("\n".join(later)) == []


def test_the_zone_is_kept() -> None:
    text = "2024-05-01T10:00:00+02:00 INFO up\n" * 4
    assert rows(text)[0]["timestamp"] == "2024-05-01 10:00:00"
    assert rows(text)[0]["timestamp_zone"] == "+02:00"


def test_measures_are_numbers_in_one_unit() -> None:
    text = "".join(f"2024-05-01 10:00:0{n} INFO took 1{n} ms and {n} kB\n" for n in range(5))
    assert rows(text)[2]["seconds"] == pytest.approx(0.012)
    assert rows(text)[2]["bytes"] == 2048


def test_requests_to_a_web_server() -> None:
    first, second, third = rows(ACCESS)
    assert first == {
        "timestamp": "2023-10-10 13:55:36",
        "timestamp_zone": "-0700",
        "client": "10.0.0.1",
        "user": "ann",
        "method": "GET",
        "path": "/a?b=1",
        "protocol": "HTTP/1.1",
        "status": 200,
        "size": 2326,
        "referrer": "http://x/",
        "agent": 'Mozilla/5.0 (\\"X\\")',
    }
    assert "size" not in second
    assert (third["status"], third["path"]) == (400, "\\x16\\x03")


@pytest.mark.parametrize(
    "name", ["var/auth.log", "auth.log.1", "auth.log.2.gz", "auth-20240101", "auth.2024-01-01.log"]
)
def test_what_a_log_is_rotated_into_has_its_name(name: str) -> None:
    assert table(SECURE, name).table == "auth"


def test_rotated_parts_have_the_same_columns() -> None:
    assert table(SECURE * 3).columns == table(SECURE * 9).columns


def test_a_text_that_is_no_log_has_no_rows() -> None:
    text = "In 2024 we met.\nAt 10:00:00 it rang.\nWe left.\n"
    assert [part for part in read(text) if isinstance(part, Rows)] == []
    assert not form.is_log(text)


@given(st.lists(st.text(alphabet='ab1 =:.[]"/<*>-\n', max_size=40), max_size=30))
def test_every_entry_is_a_row_that_stands_in_the_text(messages: list[str]) -> None:
    text = "".join(f"2024-05-01 10:00:00 INFO {message}\n" for message in messages)
    parts = read(text)
    assert "".join(part.text for part in parts if isinstance(part, Text)) == text
    found = [part for part in parts if isinstance(part, Rows)]
    if len(messages) >= 3 and text.count("\n") < 2 * len(messages):
        assert sum(len(part.rows) for part in found) == len(messages)
    for part in found:
        assert all(len(row) == len(part.columns) for row in part.rows)
        assert all(text[start:end].startswith("2024") for start, end in part.spans or ())


@pytest.mark.parametrize(
    "piece",
    ["1", "1 ", "1.", "[", "a=", '"a ', "/a", "a:", "1.1.1.1 - - [", "a@", "<a", "1.1.1.1 ", "a.1-", "x1_", "(1,"],
)
def test_hostile_entries_are_read_in_one_pass(piece: str) -> None:
    text = f"2024-05-01 10:00:00 {piece * (20_000 // len(piece))}\n" * 10
    assert len(table(text).rows) == 10


EXTENDED = """\
#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Fields: date time cs-method cs-uri-stem cs(User-Agent) sc-status
2024-05-01 10:00:00 GET /index.html Mozilla/5.0+(X11) 200
2024-05-01 10:00:01 POST /order - 500
broken
#Fields: date time cs-method sc-status time-taken
2024-05-01 10:00:02 GET 404 15
"""

PAIRS = """\
time=2024-05-01T10:00:00Z level=info msg="job \\"a\\" done" id=7
time=2024-05-01T10:00:01Z level=error msg="disk full" id=8
a panic = goroutine 1
time=2024-05-01T10:00:02Z level=info msg=started host=gate
time=2024-05-01T10:00:03Z level=info msg=stopped host=gate
time=2024-05-01T10:00:04Z level=info msg=stopped host=gate
"""


def test_lines_under_named_fields_are_rows() -> None:
    first, second = [part for part in read(EXTENDED, "u_ex240501.log") if isinstance(part, Rows)]
    assert first.columns == ("timestamp", "cs-method", "cs-uri-stem", "cs(User-Agent)", "sc-status")
    assert first.rows == [
        ("2024-05-01 10:00:00", "GET", "/index.html", "Mozilla/5.0 (X11)", "200"),
        ("2024-05-01 10:00:01", "POST", "/order", None, "500"),
    ]
    assert second.columns[-1] == "time-taken"
    assert second.rows == [("2024-05-01 10:00:02", "GET", "404", "15")]
    start, end = (second.spans or [(0, 0)])[0]
    assert EXTENDED[start:end] == "2024-05-01 10:00:02 GET 404 15"


def test_lines_of_pairs_are_rows() -> None:
    found = rows(PAIRS)
    assert found[0] == {"time": "2024-05-01T10:00:00Z", "level": "info", "msg": 'job "a" done', "id": "7"}
    assert found[2] == {"time": "2024-05-01T10:00:02Z", "level": "info", "msg": "started", "host": "gate"}
    assert len(found) == 5


def test_a_key_that_few_entries_have_stands_with_others() -> None:
    many = "".join(f"time={second} level=info msg=ok\n" for second in range(300))
    assert rows(many + "time=300 level=info msg=ok trace=x\n")[-1]["other"] == "trace=x"


def test_messages_of_which_hardly_two_are_alike_are_rows_all_the_same_and_that_is_said() -> None:
    words = ["".join(letters) for letters in product("abcdefgh", repeat=5)]
    found = read("".join(f"Mar 01 00:00:00 h p: {word}\n" for word in words[:11_000]))
    assert sum(len(part.rows) for part in found if isinstance(part, Rows)) == 11_000
    assert any("hardly two messages are alike" in part.problem for part in found if isinstance(part, Note))
