"""What a query says is to be read through."""

import pytest

from rlm_local.engine.authors.texts import texts_of


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        (
            "SELECT text FROM documents WHERE folder = 'minutes' ORDER BY document LIMIT 3",
            "SELECT documents.document FROM documents WHERE folder = 'minutes'",
        ),
        (
            "SELECT DISTINCT r.note FROM log AS r JOIN boats AS b ON r.boat = b.code WHERE b.built < 9",
            "SELECT r._document, r._start, r._end FROM log AS r JOIN boats AS b ON r.boat = b.code WHERE b.built < 9",
        ),
        (
            "SELECT vessel, COUNT(*) FROM reports GROUP BY vessel HAVING COUNT(*) > 2",
            "SELECT reports._document, reports._start, reports._end FROM reports",
        ),
        ("SELECT 1", ""),
        ("SELECT document FROM documents UNION SELECT 'x'", ""),
        ("WITH d AS (SELECT document FROM documents) SELECT document FROM d", ""),
    ],
)
def test_all_texts_under_the_conditions_are_meant(query: str, texts: str) -> None:
    assert texts_of(query) == texts
