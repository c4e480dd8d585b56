"""Tables on a page: those that lines are drawn around, and those whose columns stand one below the other."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rlm_local.collection.formats import layout
from rlm_local.collection.formats.cells import typed
from rlm_local.collection.formats.layout import Piece, Row, Rule

MOST_RULES = 1_500
"""Lines across, and lines down, that are looked at on a page; a drawing has more, and is no table."""

_TOUCH = 3.0
_MOST_COLUMNS = 60
_LEAST_ALIGNED = 3
_MOSTLY = 0.7


@dataclass(frozen=True)
class Aligned:
    """Rows of a block that are a table: from and to, and where each column begins and ends."""

    first: int
    last: int
    columns: tuple[tuple[float, float], ...]


def celled(words: Sequence[Piece], rules: Sequence[Rule]) -> list[Piece]:
    """Words in ruled tables joined to a piece for each cell, with its table and column; all others as they are."""
    left = list(words)
    found: list[Piece] = []
    for number, (xs, ys, edges) in enumerate(_grids(rules)):
        box = [w for w in left if xs[0] <= (w.x0 + w.x1) / 2 <= xs[-1] and ys[0] <= w.base - 0.3 * w.size <= ys[-1]]
        cells, taken = _cells(box, xs, ys, edges, number)
        if cells:
            left = [word for word in left if id(word) not in taken]
            found += cells
    return [*left, *found]


_Edges = tuple[list[Rule], list[Rule]]


def _grids(rules: Sequence[Rule]) -> list[tuple[list[float], list[float], _Edges]]:
    """The x of the columns' and the y of the rows' borders of each set of lines that cross or touch one another."""
    across = [rule for rule in rules if rule.top == rule.bottom and rule.x1 - rule.x0 > _TOUCH][:MOST_RULES]
    down = [rule for rule in rules if rule.x0 == rule.x1 and rule.bottom - rule.top > _TOUCH][:MOST_RULES]
    if len(across) < 3 or len(down) < 3:
        return []
    import numpy as np  # a fifth of a second that only a page with lines costs

    h = np.array([(rule.x0, rule.x1, rule.top) for rule in across])
    v = np.array([(rule.x0, rule.top, rule.bottom) for rule in down])
    touching = (
        (h[:, None, 0] <= v[None, :, 0] + _TOUCH)
        & (h[:, None, 1] >= v[None, :, 0] - _TOUCH)
        & (h[:, None, 2] >= v[None, :, 1] - _TOUCH)
        & (h[:, None, 2] <= v[None, :, 2] + _TOUCH)
    )
    grids: list[tuple[list[float], list[float], _Edges]] = []
    free = np.ones(len(across), dtype=bool)
    for start in range(len(across)):
        if not free[start]:
            continue
        rows = np.zeros(len(across), dtype=bool)
        rows[start] = True
        columns = touching[rows].any(axis=0)
        while True:
            more = touching[:, columns].any(axis=1)
            if (more <= rows).all():
                break
            rows |= more
            columns = touching[rows].any(axis=0)
        free &= ~rows
        xs, ys = _distinct(v[columns, 0].tolist()), _distinct(h[rows, 2].tolist())
        if len(xs) > 2 and len(ys) > 2 and len(xs) <= _MOST_COLUMNS:
            edges = ([across[i] for i in np.flatnonzero(rows)], [down[i] for i in np.flatnonzero(columns)])
            grids.append((xs, ys, edges))
    return grids


def _distinct(values: list[float]) -> list[float]:
    """Values in order, those that are nearly the same once."""
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _TOUCH:
            found.append(value)
    return found


def _cells(
    words: Sequence[Piece], xs: list[float], ys: list[float], edges: _Edges, table: int
) -> tuple[list[Piece], set[int]]:
    """A piece for each cell that says something, and which words are in one; none where this is no table but a box."""
    walls = _walls(edges[1], xs, ys)
    inside: dict[tuple[int, int], list[Piece]] = {}
    middles = [(upper + lower) / 2 for upper, lower in pairwise(ys)]
    for word in words:
        row = min(bisect_right(ys, word.base - 0.3 * word.size) - 1, len(middles) - 1)
        column = _column(word, xs)
        while column and (row, column) not in walls:  # a cell over several columns begins at the first of them
            column -= 1
        inside.setdefault((row, column), []).append(word)
    for (row, column), together in list(inside.items()):
        if column + 2 < len(xs) and (row, column + 1) not in walls:
            pieces = layout.pieces(together)
            if any(len(line) > 1 for line in layout.rows(pieces)):  # labels of columns that no lines part
                del inside[row, column]
                for piece in pieces:
                    inside.setdefault((row, _column(piece, xs)), []).append(piece)
    bands = [[key for key in inside if key[0] == row] for row in range(len(middles))]
    if sum(len(band) > 1 for band in bands) < 2:
        return [], set()
    pieces: list[Piece] = []
    taken: set[int] = set()
    for band in bands:
        cells = {column: inside[row, column] for row, column in band}
        if len(cells) == 1 and len(layout.rows(layout.pieces(inside[band[0]]))) > 1:
            continue  # paragraphs in the frame of the table
        pieces += _band(cells, xs, table)
        taken.update(id(word) for words in cells.values() for word in words)
    return pieces, taken


def _column(piece: Piece, xs: list[float]) -> int:
    return min(max(bisect_right(xs, (piece.x0 + piece.x1) / 2) - 1, 0), len(xs) - 2)


def _walls(down: Sequence[Rule], xs: list[float], ys: list[float]) -> set[tuple[int, int]]:
    """Cells, as (row, column), at whose left a line is drawn."""
    middles = [(upper + lower) / 2 for upper, lower in pairwise(ys)]
    walls = set[tuple[int, int]]()
    for rule in down:
        column = min(range(len(xs)), key=lambda place: abs(xs[place] - rule.x0))
        beside = range(bisect_right(middles, rule.top), bisect_left(middles, rule.bottom))
        walls.update((row, column) for row in beside)
    return walls


def _band(cells: dict[int, list[Piece]], xs: list[float], table: int) -> list[Piece]:
    """The cells of one row between two lines; of several rows where nothing is drawn between these."""
    lines = {column: layout.rows(layout.pieces(words)) for column, words in cells.items()}
    bases = sorted(row[0].base for rows in lines.values() for row in rows)
    if not bases:
        return []
    levels = layout.rows(piece for rows in lines.values() for row in rows for piece in row)
    several = len(levels) > 2 and all(len(rows) > _MOSTLY * len(levels) for rows in lines.values()) and len(lines) > 1
    pieces: list[Piece] = []
    for column, rows in lines.items():
        for group in [[row] for row in rows] if several else [rows]:
            text = layout.unwrapped(group)
            level = min(levels, key=lambda one, at=group[0][0].base: abs(one[0].base - at)) if several else levels[0]
            size = group[0][0].size
            pieces.append(Piece(text, xs[column], xs[column + 1], level[0].base, size, (table, column, len(xs) - 1)))
    return pieces


def aligned(block: Sequence[Row]) -> list[Aligned]:
    """The runs of rows whose pieces stand in columns, where that is evident: three columns, or one of numbers."""
    found: list[Aligned] = []
    at = 0
    while at < len(block):
        run = _run(block, at) if len(block[at]) > 1 else None
        if run and _is_table(block[at : run.last], run.columns):
            above = found[-1].last if found else 0
            found.append(replace(run, first=_headed(block, run, above)))
            at = run.last
        else:
            at += 1
    return found


def _run(block: Sequence[Row], first: int) -> Aligned:
    """The rows from this one on that fit the same columns."""
    columns = [(piece.x0, piece.x1) for piece in sorted(block[first], key=lambda one: one.x0)]
    last, alone = first + 1, 0
    for at in range(first + 1, len(block)):
        row, before = block[at], block[at - 1]
        if row[0].base - before[0].base > 3 * max(row[0].size, before[0].size):
            break
        wider = _fitted(columns, row)
        alone = alone + 1 if len(row) == 1 else 0
        if wider is None or alone > 2:
            break
        if len(row) > 1:
            columns, last = wider, at + 1
    return Aligned(first, last, tuple(columns))


def _fitted(columns: list[tuple[float, float]], row: Row) -> list[tuple[float, float]] | None:
    """The columns with this row's pieces in them; None where a piece is in two, or two are in one."""
    wider = dict(enumerate(columns))
    taken: set[int] = set()
    for piece in row:
        inside = [at for at, (x0, x1) in wider.items() if piece.x0 < x1 and piece.x1 > x0]
        if len(inside) > 1 or taken.intersection(inside):
            return None
        at = inside[0] if inside else len(wider)
        x0, x1 = wider.get(at, (piece.x0, piece.x1))
        wider[at] = (min(x0, piece.x0), max(x1, piece.x1))
        taken.add(at)
    ordered = sorted(wider.values())
    apart = all(a[1] < b[0] for a, b in pairwise(ordered))
    return ordered if apart and len(ordered) <= _MOST_COLUMNS else None


def _is_table(rows: Sequence[Row], columns: Sequence[tuple[float, float]]) -> bool:
    full = [row for row in rows if len(row) > 1]
    if len(full) < _LEAST_ALIGNED or sum(map(len, full)) < 0.6 * len(full) * len(columns):
        return False
    cells = [cells_of(row, columns) for row in full]
    numbers = [sum(typed(row[at]) for row in cells) for at in range(len(columns))]
    wide = len(columns) > 2 and max(numbers) >= 0.5 * len(full)
    return wide or (len(columns) == 2 and numbers[1] >= _MOSTLY * len(full) and len(full) > _LEAST_ALIGNED)


def _headed(block: Sequence[Row], run: Aligned, above: int) -> int:
    """Where the table begins with the rows of labels above it."""
    first = run.first
    while first > max(above, run.first - 3):
        row, below = block[first - 1], block[first]
        near = below[0].base - row[0].base < 2 * max(row[0].size, below[0].size)
        alone = len(row) < 2 and row[0].x0 < run.columns[0][1]
        if not near or alone or any(typed(piece.text) for piece in row):
            break
        first -= 1
    return first


def cells_of(row: Row, columns: Sequence[tuple[float, float]], rules: Sequence[Rule] = ()) -> list[str]:
    """A row's text for each column.

    A label above a line that is drawn over several columns is the label of each of them; other pieces that reach over
    several are labels that stand too near to one another, and are parted at the spaces between their words.
    """
    cells = [""] * len(columns)
    near = [rule for rule in rules if abs(rule.top - row[0].base) < 2 * row[0].size or rule.x0 == rule.x1]
    for piece in row:
        text = layout.line([piece])
        under = _under(piece, row, columns, near) if len(row) < len(columns) and not typed(text) else []
        inside = [at for at, (x0, x1) in enumerate(columns) if piece.x0 < x1 and piece.x1 > x0] or range(len(columns))
        if under:
            for at in under:
                cells[at] = f"{cells[at]} {text}".strip()
            continue
        words, letters = text.split(" "), 0
        for word in words if len(inside) > 1 else [text]:
            middle = piece.x0 + (piece.x1 - piece.x0) * (letters + len(word) / 2) / max(len(text), 1)
            at = min(inside, key=lambda at, x=middle: max(columns[at][0] - x, x - columns[at][1]))
            cells[at] = f"{cells[at]} {word}".strip()
            letters += len(word) + 1
    return cells


def _under(piece: Piece, row: Row, columns: Sequence[tuple[float, float]], rules: Sequence[Rule]) -> list[int]:
    """The columns below the line that a label stands on alone; none where that is no line, or one over all columns."""
    middle, height = (piece.x0 + piece.x1) / 2, piece.base - 0.3 * piece.size
    x0, x1 = middle, middle
    for rule in sorted(rules, key=lambda one: one.x0):  # what is drawn as several lines that touch is one
        if rule.top == rule.bottom and 0 < rule.top - piece.base < piece.size:
            if rule.x0 < middle < rule.x1 and x0 == x1:
                x0, x1 = rule.x0, rule.x1
            elif x1 - _TOUCH < rule.x0 <= x1 + _TOUCH and x0 < x1:
                x1 = rule.x1
    for rule in sorted(rules, key=lambda one: -one.x1):
        if rule.top == rule.bottom and 0 < rule.top - piece.base < piece.size and abs(rule.x1 - x0) < _TOUCH:
            x0 = rule.x0
    for rule in rules:
        if rule.x0 == rule.x1 and rule.top < height < rule.bottom:
            x0, x1 = (max(x0, rule.x0), x1) if rule.x0 < middle else (x0, min(x1, rule.x0))
    if sum(x0 < (one.x0 + one.x1) / 2 < x1 for one in row) != 1:
        return []
    under = [at for at, (left, right) in enumerate(columns) if x0 < (left + right) / 2 < x1]
    return under if 1 < len(under) < len(columns) else []
