"""Cells: programs as the Python that runs, and that a person reads in the log."""

import ast

from rlm_local.engine.authors.query import Query

_PASSAGES = 12
"""The most passages that a reading is given; it reads as many of them as its tokens allow."""


def query_cell(query: Query, *, named: bool = False) -> str:
    """The cell of a SQL query: its rows and where they come from; `named`: with the names of codes in them."""
    sql = query.named if named else query.tried
    value = "bool(rows and rows[0][0])" if query.truth else "rows"
    if not query.places:
        return f"rows = sql({_text(sql)})\nFINAL({value})"
    return f"rows = sql({_text(sql)})\nFINAL({value}, places({_text(query.places)}))"


def whether_cell(cell: str) -> str:
    """The cell whose answer is yes if that of this one holds anything, and no if not: FINAL(x) is FINAL(whether(x))."""
    tree = ast.parse(cell)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "FINAL" and node.args:
            node.args[0] = ast.Call(ast.Name("whether", ast.Load()), [node.args[0]], [])
    return ast.unparse(tree)


def reading_cell(question: str, first: int = 0, last: int = _PASSAGES, least: float = 0.0) -> str:
    """The cell that searches for passages and reads those with ranks from `first` to before `last`; what it reads is
    the answer if it is at least so likely right."""
    sure = f" and reading.sure >= {least:.2f}" if least else ""
    ranks = f"[{first}:]" if first else ""
    return "\n".join([
        f"question = {question!r}",
        f"reading = read(question, search(question, {last}){ranks})",
        "print(reading.said)",
        f"if reading.found{sure}:",
        "    FINAL(reading.answer, reading.evidence)",
    ])  # fmt: skip


def whole_cell(question: str) -> str:
    """The cell that reads the whole view in one call."""
    return "\n".join([
        f"reading = read({question!r}, documents, whole=True)",
        "if reading.found:",
        "    FINAL(reading.answer, reading.evidence)",
    ])  # fmt: skip


def refusing_cell(why: str) -> str:
    """The cell that refuses to do something."""
    return f"FINAL({why!r}, found=False)"


def taking_cell(question: str) -> str:
    """The cell of a child that takes notes of its whole view."""
    return "\n".join([
        f"points = take_notes({question!r})",
        "if points:",
        "    FINAL(points, [place for point in points for place in point['places']])",
    ])  # fmt: skip


def notes_cell(question: str, texts: str, length: str) -> str:
    """The cell that has notes taken of all documents, or of the rows of a query, and merges them into a summary."""
    return "\n".join([
        f"question = {question!r}",
        f"points = read_through(question, {f'sql({_text(texts)})' if texts else 'documents'})",
        f"summary = summed_up(question, points, {length!r})",
        "if summary.points:",
        "    FINAL(summary.points, summary.evidence, said=summary.text)",
    ])  # fmt: skip


def _text(sql: str) -> str:
    return f'"""{sql}"""' if '"""' not in sql and not sql.endswith('"') and "\\" not in sql else repr(sql)
