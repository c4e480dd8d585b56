"""The coverage-guided fuzzer of what looks at a model's SQL and Python before it runs in the sandbox:
`python -m tests.engine.authors.fuzz_checks FOLDER [libFuzzer's options]`.

Needs atheris (`pip install atheris`). A byte is a word of queries, or a character. Whatever is written is a query that
can be looked at again, or BadProgram. `-max_total_time=1800` ends it after half an hour; the folder collects what
covers anything new, beginning with the corpus below.
"""

import hashlib
import sys
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rlm_local.engine", "rlm_local.collection"]):
    from rlm_local.engine.authors.errors import BadProgram
    from rlm_local.engine.authors.python import check_python
    from rlm_local.engine.authors.query import check
    from tests.engine.authors.harbour import TABLES, values

QUESTION = "Which boats of Holm were built before 2003, and how many are called '²' or 10%?"

_WORDS = (
    "SELECT FROM WHERE GROUP BY ORDER LIMIT HAVING AS AND OR NOT IN IS NULL LIKE BETWEEN CASE WHEN THEN ELSE END UNION "
    "ALL WITH DISTINCT JOIN ON LEFT EXISTS CAST INTEGER DATE INTERVAL EXTRACT YEAR OVER PARTITION ESCAPE COLLATE GLOB "
    "COUNT( SUM( AVG( MIN( MAX( strftime( substr( lower( length( abs( coalesce( judge( classify( extract( answer( ( ) "
    "* , . ; = <> < > <= >= + - / % || -- /* */ ' '' \" ` ? :a 0 1 2003 1e309 -1 '%Y' '²' '٣' 'Holm' 'holm' "
    "'2003-02-30' '10:00' 'V-1001' '%a%' FINAL( sql( search( read( def lambda for in if : \n None import x y"
).split(" ")
_NAMES = [name for table in TABLES for name in (table.name, *(column.name for column in table.columns))]
WORDS = [*_WORDS, *_NAMES][:190]

CORPUS = (
    "SELECT COUNT( * ) FROM boats WHERE harbour = 'holm'",
    "SELECT name FROM boats WHERE strftime( '%Y' , built ) = '²'",
    "SELECT harbour , AVG( length ) FROM boats GROUP BY harbour ORDER BY 2 LIMIT 1",
    'FINAL( sql( "SELECT name FROM boats" ) )',
    "WITH x AS ( SELECT * FROM boats ) SELECT COUNT( * ) FROM x WHERE judge( name , 'Holm' )",
)


def written(data: bytes) -> str:
    """Words for bytes, and characters for those that stand for none."""
    return " ".join(WORDS[byte] if byte < len(WORDS) else chr(byte) for byte in data[:400])


def bytes_of(text: str) -> bytes:
    """What `written` makes a text from, as far as its words are known."""
    return bytes(WORDS.index(word) for word in text.split(" ") if word in WORDS)


def look(data: bytes) -> None:
    """Looks at a program as an author does, as one of its words and as one of its characters.

    Raises:
        Exception: something else than BadProgram.
    """
    for text in (written(data), data.decode("utf-8", "replace")):
        with suppress(BadProgram):
            check(check(text, TABLES, QUESTION, values).sql, TABLES, QUESTION, values)
        with suppress(BadProgram):
            check_python(text, TABLES)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for text in CORPUS:
        for data in (bytes_of(text), text.encode()):
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()
