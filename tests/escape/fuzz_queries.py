"""`python -m tests.escape.fuzz_queries IMAGE_DIRECTORY SECONDS [SEED]`: random queries, in the sandbox over a
collection, with functions that a model answers.

Prints how many came to a result, to an error, or to a limit; ends at the first that did more: broke the host's side, or
ended its cell in another way.
"""

import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from rlm_sandbox import Pool, ensure_image
from tests.escape.attempts import Attempt, collection, session

_LEAVES = (
    "number note price document note note 'q' 'note 7 of the harbour' x'00ff' 1 0 -1 2.5 1e308 9223372036854775807 "
    "NULL random() CURRENT_DATE"
).split()
_FUNCTIONS = (
    "abs length lower upper hex quote typeof zeroblob printf substr replace instr round total avg sum count max min "
    "group_concat json json_extract json_array median stddev year datediff concat if iif coalesce nullif trim unicode "
    "char like glob regexp judge classify extract answer load_extension readfile"
).split()
_OPERATORS = "+ - * / % || < <= = <> AND OR IS LIKE GLOB REGEXP MATCH IN & << COLLATE ->".split()
_SOURCES = (*["notes"] * 12, "notes a", "documents", "passage", "search", "search('harbour')", "nowhere")
_PIECES = (
    "SELECT FROM WHERE ( ) , . * = JOIN ON WITH RECURSIVE UNION ALL GROUP BY HAVING ORDER LIMIT IN EXISTS CASE WHEN "
    'THEN END DISTINCT OVER PARTITION FILTER ESCAPE PRAGMA ATTACH DELETE INSERT INTO -- /* */ " ` [ ] ; ? :a har* \0 é'
).split(" ")


class _Writer:
    """Writes queries, most of which SQLite takes."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def query(self) -> str:
        """A query; every third one has something in it that does not belong there."""
        words = self._select(2).split(" ")
        if self._draw.random() < 0.3:
            words.insert(self._draw.randrange(len(words)), self._draw.choice(_PIECES))
        return " ".join(words)

    def _select(self, depth: int) -> str:
        draw = self._draw
        joined = [draw.choice(_SOURCES) for _ in range(draw.choice([1] * 8 + [2, 5]))]
        parts = [f"SELECT {', '.join(self._value(depth) for _ in range(draw.randint(1, 2)))} FROM {', '.join(joined)}"]
        clauses = {"WHERE": 0.7, "GROUP BY": 0.1, "ORDER BY": 0.2, "LIMIT": 0.1}
        parts += [f"{clause} {self._value(depth)}" for clause, often in clauses.items() if draw.random() < often]
        if depth and draw.random() < 0.1:
            parts.append(f"{draw.choice(['UNION', 'UNION ALL', 'EXCEPT'])} {self._select(depth - 1)}")
        return " ".join(parts)

    def _value(self, depth: int) -> str:
        draw = self._draw
        match draw.randrange(6) if depth else 0:
            case 1:
                return f"{self._value(depth - 1)} {draw.choice(_OPERATORS)} {self._value(depth - 1)}"
            case 2:
                given = ", ".join(self._value(depth - 1) for _ in range(draw.choice([0, 1, 1, 1, 2, 2, 3])))
                return f"{draw.choice(_FUNCTIONS)}({given})"
            case 3:
                return draw.choice(["judge(note, 'q')", "classify(note, 'a', 'b')", "extract(note, 'it')"])
            case 4:
                return f"CASE WHEN {self._value(depth - 1)} THEN {self._value(depth - 1)} END"
            case 5 if draw.random() < 0.4:
                return f"({self._select(depth - 1)})"
            case _:
                return draw.choice(_LEAVES)


_AT_ONCE, _CELLS = 20, 3
_CELL = """
import json
seen = []
for query in json.loads({queries!r}):
    try:
        seen.append(sql(query) and "result")
    except (SqlError, rlm_host.Refused):
        seen.append("error")
json.dumps([each or "result" for each in seen])
"""
_TRIED = Attempt("random queries", "", "is interrupted", asks=True)


def fuzz(images: Path, seconds: float, seed: int) -> Counter[str]:
    """What came of the queries, by kind.

    Raises:
        AssertionError: a cell ended in a way that a query must not end it.
    """
    writer, came, ends = _Writer(random.Random(seed)), Counter[str](), time.monotonic() + seconds
    with Pool(ensure_image(images)) as pool, collection() as database:
        while time.monotonic() < ends:
            with session(_TRIED, pool, database, ("/etc/passwd", "22"), repr) as opened:
                for _ in range(_CELLS):  # then what may be asked is spent
                    queries = [writer.query() for _ in range(_AT_ONCE)]
                    done = opened.run(_CELL.format(queries=json.dumps(queries)))
                    if done.stopped:
                        came[done.stopped] += 1
                        assert done.stopped in ("time", "memory", "host_calls"), (done, queries)
                        break
                    assert done.error is None, (done.error, queries)
                    came.update(json.loads(done.output.rpartition("\n'")[2].strip().strip("'") or "[]"))
    return came


if __name__ == "__main__":
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(seed, dict(fuzz(Path(sys.argv[1]), float(sys.argv[2]), seed)))
