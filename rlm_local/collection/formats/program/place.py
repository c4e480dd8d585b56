"""Where in a text the nodes of its syntax tree stand."""

import ast
from array import array
from itertools import accumulate


class Places:
    """Where in the text nodes stand: the parser counts bytes of UTF-8 in lines."""

    def __init__(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        self._lines = list(accumulate((len(line) + 1 for line in data.split(b"\n")), initial=0))
        self._more: array[int] | None = None  # bytes before each byte that are no first bytes of a character
        if not text.isascii():
            self._more = array("I", accumulate((byte & 0xC0 == 0x80 for byte in data), initial=0))

    def of(self, node: ast.AST) -> tuple[int, int]:
        found = node if isinstance(node, ast.expr | ast.stmt) else None
        if found is None or found.end_lineno is None or found.end_col_offset is None:
            return 0, 0
        return self._at(found.lineno, found.col_offset), self._at(found.end_lineno, found.end_col_offset)

    def _at(self, line: int, column: int) -> int:
        place = self._lines[line - 1] + column
        return place - self._more[place] if self._more else place
