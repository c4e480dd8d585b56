"""A large file is read in segments, and gives what it gives as a whole."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import log, text
from rlm_local.collection.formats.part import Part, Rows, Text
from rlm_local.collection.formats.source import Source


class Segmented(Source):
    """A source that says it is large, in segments of some lines."""

    is_large = True  # type: ignore[assignment]
    lines_at_once = 7

    def segments(self) -> Iterator[str]:
        lines = self.text.splitlines(keepends=True)
        for first in range(0, len(lines), self.lines_at_once):
            yield "".join(lines[first : first + self.lines_at_once])


def whole(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text))


def rows(parts: list[Part]) -> list[tuple[object, ...]]:
    return [
        (part.table, *row, span)
        for part in parts
        if isinstance(part, Rows)
        for row, span in zip(part.rows, part.spans or (), strict=True)
    ]


_TRACE = "  at a.b(c.java:3)\n\n  caused by d\n"


def written(number: int, traces: list[bool]) -> str:
    lines = [
        f"2024-01-{day + 1:02} 10:0{place % 10}:00 INFO [worker] request {place} took {place * 3} ms\n"
        + (_TRACE if traced else "")
        for day in range(number)
        for place, traced in enumerate(traces)
    ]
    first = [f"2023-12-31 10:00:0{place} INFO [worker] begins\n" for place in range(9)]  # the head tells the form
    return "".join((*first, *lines))


@given(st.integers(1, 9), st.lists(st.booleans(), min_size=3, max_size=9))
def test_entries_of_a_log_are_the_same_wherever_it_is_cut(number: int, traces: list[bool]) -> None:
    data = written(number, traces).encode()
    once, cut = list(log.read(Source("a.log", data))), list(log.read(Segmented("a.log", data)))
    assert whole(once) == whole(cut) == data.decode()
    assert rows(once) == rows(cut)


def test_requests_are_the_same_wherever_their_log_is_cut() -> None:
    line = '10.0.0.{0} - - [01/Jan/2024:10:00:0{0} +0000] "GET /{0} HTTP/1.1" 200 {0}7 "-" "curl"\n'
    data = "".join(line.format(number % 10) for number in range(60)).encode()
    once, cut = list(log.read(Source("a.log", data))), list(log.read(Segmented("a.log", data)))
    assert rows(once) == rows(cut)
    assert len(rows(cut)) == 60


def test_what_is_no_log_is_given_whole() -> None:
    data = b"Some lines\nof no log.\n\n" * 30
    assert whole(list(log.read(Segmented("a.log", data)))) == data.decode()


@pytest.mark.parametrize("paragraphs", [1, 40])
def test_a_text_in_segments_is_the_whole_text(paragraphs: int) -> None:
    data = "".join(f"CHAPTER {number}\n\nIt rains, and the pump rattles.\n\n" for number in range(paragraphs)).encode()
    parts = list(text.read(Segmented("a.txt", data)))
    assert whole(parts) == data.decode()


def test_records_of_a_segment_stand_where_they_say() -> None:
    data = "".join(f"Name: Person {number}\nCity: Bonn\nFee: {number}\n\n" for number in range(40)).encode()
    parts = list(text.read(Segmented("a.txt", data)))
    for _, *cells, span in rows(parts):
        assert isinstance(span, tuple)
        assert str(cells[0]) in data.decode()[span[0] : span[1]]


def test_segments_end_where_lines_do_and_joined_are_the_text() -> None:
    data = b"0123456789 a line\n" * 1_100_000
    segments = list(Source("a.txt", data).segments())
    assert len(segments) == 2
    assert segments[0].endswith("\n")
    assert "".join(segments) == data.decode()
