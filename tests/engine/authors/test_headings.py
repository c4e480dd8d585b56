"""Columns of a result that functions make have headings in words."""

import pytest
from sqlglot import exp, parse_one

from rlm_local.engine.authors.headings import add_headings


@pytest.mark.parametrize(
    ("made", "headings"),
    [
        ("harbour, COUNT(*)", ["harbour", "count"]),
        ("harbour, SUM(t1.votes), AVG(votes)", ["harbour", "sum of votes", "mean of votes"]),
        ("COUNT(*), COUNT(DISTINCT harbour)", ["count", "different harbour"]),
        ("COUNT(*), COUNT(name)", ["count", ""]),
        ("harbour, MAX(votes) AS most", ["harbour", "most"]),
        ("MIN(votes), MAX(votes - built)", ["least of votes", ""]),
    ],
)
def test_a_column_is_called_what_it_is(made: str, headings: list[str]) -> None:
    tree = add_headings(parse_one(f"SELECT {made} FROM boats", dialect="sqlite"))
    assert [each.alias_or_name for each in tree.expressions] == headings


def test_a_single_value_needs_none() -> None:
    tree = parse_one("SELECT COUNT(*) FROM boats", dialect="sqlite")
    assert not any(isinstance(each, exp.Alias) for each in add_headings(tree).expressions)
