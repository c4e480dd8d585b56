"""Programs as the Python that runs: what ran is what a person reads."""

from rlm_local.engine.authors.query import Query

_PASSAGES = 12
"""Passages that a reading is given at most; as many are read as a reading's tokens hold."""


def query_cell(query: Query, *, named: bool = False) -> str:
    """The cell of a SQL query: its rows, with codes named where that is wanted, and where they come from."""
    sql = query.named if named else query.sql
    value = "bool(rows and rows[0][0])" if query.truth else "rows"
    if not query.places:
        return f"rows = sql({_text(sql)})\nFINAL({value})"
    return f"rows = sql({_text(sql)})\nFINAL({value}, places({_text(query.places)}))"


def reading_cell(question: str, first: int = 0, last: int = _PASSAGES) -> str:
    """The cell that looks for passages and reads them, or those of these ranks."""
    ranks = f"[{first}:]" if first else ""
    return "\n".join([
        f"question = {question!r}",
        f"reading = read(question, search(question, {last}){ranks})",
        "print(reading.said)",
        "if reading.found:",
        "    FINAL(reading.answer, reading.evidence)",
    ])  # fmt: skip


def whole_cell(question: str) -> str:
    """The cell for a view that fits in one call."""
    return "\n".join([
        f"reading = read({question!r}, documents, whole=True)",
        "if reading.found:",
        "    FINAL(reading.answer, reading.evidence)",
    ])  # fmt: skip


def refusing_cell(why: str) -> str:
    """The cell for what is not done."""
    return f"FINAL({why!r}, found=False)"


def taking_cell(question: str) -> str:
    """The cell of a child that takes notes of all that it looks at."""
    return "\n".join([
        f"points = take_notes({question!r})",
        "if points:",
        "    FINAL(points, [place for point in points for place in point['places']])",
    ])  # fmt: skip


def notes_cell(question: str, texts: str, length: str) -> str:
    """The cell that has notes taken of documents, or of the rows of a query, and brings them together."""
    return "\n".join([
        f"question = {question!r}",
        f"points = read_through(question, {f'sql({_text(texts)})' if texts else 'documents'})",
        f"summary = summed_up(question, points, {length!r})",
        "if summary.points:",
        "    FINAL(summary.points, summary.evidence, said=summary.text)",
    ])  # fmt: skip


def _text(sql: str) -> str:
    return f'"""{sql}"""' if '"""' not in sql and not sql.endswith('"') and "\\" not in sql else repr(sql)
