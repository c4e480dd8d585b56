"""Hostile repeats, for whatever looks at a question, at what a model wrote, at a schema or at a pattern."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

import pytest

from rlm_local.collection import Collection
from rlm_local.collection.identifiers import identifier, plain, stem
from rlm_local.collection.ignores import spec, verdict
from rlm_local.collection.mentions import mentioned
from rlm_local.collection.values import akin, codes, fold, values_like
from rlm_local.collection.words import phrases, segmented
from rlm_local.engine.authors.asked import named_tables, unused, years
from rlm_local.engine.authors.card import card
from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.grounding import ground
from rlm_local.engine.authors.python import check_python, is_phrase
from rlm_local.engine.authors.query import check
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.citations import in_own_words, quoted, unsupported, writes_nouns
from rlm_local.engine.conversation import Exchange, understand
from rlm_local.engine.notes.prompts import lines_of
from rlm_local.engine.question import check_question
from rlm_local.engine.reading.shown import Shown
from rlm_local.engine.schema_bounds import linear
from rlm_local.engine.semantic.chunks import chunks
from rlm_local.engine.semantic.prepare import Unfit, prepare
from rlm_local.engine.typed import AnswerSchema, MisfitError
from rlm_local.errors import RlmLocalError
from rlm_local.models import Cancel, Prompt
from tests.doubling import TEXTS, Maker, again, check_memory, check_time, nested, seconds
from tests.engine.authors.harbour import BOATS, REFERENCES, TABLES, values
from tests.models.fakes import ScriptedModel

QUESTION = "How many boats of Holm were built before 2003?"
TEXT = "The Gannet, V-1001, lay at Holm in 2003 for 1,200.50 EUR. " * 20

_BYTES, _MANY, _LONG = 1 << 11, 1 << 15, 1 << 20
_SECONDS = 2.0
"""For a megabyte."""

Look = Callable[[str], object]

LOOKS: dict[str, Look] = {
    "check_question": check_question,
    "named_tables": partial(named_tables, TABLES),
    "years": years,
    "unused": partial(unused, ["boats", "2003"]),
    "codes": codes,
    "fold": fold,
    "akin": lambda text: akin(text, f"{text}s"),
    "phrases": phrases,
    "segmented": segmented,
    "card": lambda text: card(TABLES * 12, REFERENCES, text),
    "ground": lambda text: [ground(text, column, BOATS, values) for column in BOATS.columns],
    "is_phrase of a program": lambda text: is_phrase(text, "none", QUESTION),
    "is_phrase of a question": lambda text: is_phrase("FINAL('none')", "none", text),
    "check": lambda text: check(text, TABLES, QUESTION, values),
    "check of a question": lambda text: check("SELECT name FROM boats WHERE votes > 7", TABLES, text, values),
    "check of a value": lambda text: check(
        f"SELECT name FROM boats WHERE harbour = {_quoted(text)}", TABLES, "", values
    ),
    "check_python": lambda text: check_python(text, TABLES),
    "prepare": prepare,
    "prepare of an argument": lambda text: prepare(f"SELECT COUNT(*) FROM boats WHERE judge(name, {_quoted(text)})"),
    "a follow-up": lambda text: _understood(text, QUESTION),
    "what was said before": lambda text: _understood("and in 2004?", text),
    "what a follow-up is written out as": lambda text: _understood("and in 2004?", QUESTION, text),
    "quoted": lambda text: quoted(text, TEXT),
    "quoted from": lambda text: quoted("the Gannet", text),
    "unsupported": lambda text: unsupported(text, TEXT, nouns=True),
    "unsupported by": lambda text: unsupported(TEXT, text),
    "in_own_words": lambda text: in_own_words(text, TEXT),
    "in the words of": lambda text: in_own_words(TEXT, text),
    "writes_nouns": writes_nouns,
    "a quote": Shown(0, TEXT, TEXT).quote,
    "a quote from": lambda text: Shown(0, text, text).quote("a b"),
    "supports": lambda text: Shown(0, TEXT, TEXT).supports(text, nouns=False),
    "supported by": lambda text: Shown(0, text, text).supports("The Gannet of 2003", nouns=False),
    "lines_of": lines_of,
    "chunks": lambda text: list(chunks(text, 0, len(text), shortest=200, longest=1_200)),
    "plain": plain,
    "identifier": lambda text: identifier(text, {"a"}),
    "stem": stem,
    "spec": lambda text: verdict(spec(text.split("\n")), "a/b/c.txt"),
    "verdict": partial(verdict, spec(["*a*b", "**/a/**", "[!a]*"])),
    "linear": lambda text: linear(text)(TEXT),
    "what linear matches": linear("^(([a-z])+.)+[A-Z]([a-z])+$"),
    "a schema": lambda text: AnswerSchema(json.loads(text)),
    "a schema's names": lambda text: AnswerSchema({"properties": {name: {"const": text} for name in text.split(" ")}}),
    "a schema's pattern": lambda text: AnswerSchema({"type": "string", "pattern": text}).fit("aaa"),
    "an answer": AnswerSchema({"type": "array", "items": {"type": "number"}, "uniqueItems": True}).fit,
    "an answer of a pattern": AnswerSchema({"type": "string", "pattern": "^(a*)*b$"}).fit,
}
"""By what it looks at."""

OWN: dict[str, Maker] = {
    "words": again("w%d "),
    "names": again("Ada Bo%d "),
    "capitals": again("A"),
    "clauses": again("or is a more than 1, "),
    "marks of points": again("[1] a.\n"),
    "numbers of points": again("1,", "["),
    "conditions": again(" AND votes > %d", "SELECT name FROM boats WHERE length > 1"),
    "joins": again(" JOIN trips t%d ON 1", "SELECT name FROM boats"),
    "columns": again(", name", "SELECT name FROM boats ORDER BY 1"),
    "selects": again("(SELECT ", "SELECT * FROM "),
    "calls": again("judge(name, 'a%d') OR ", "SELECT name FROM boats WHERE "),
    "assignments": again("a%d = sql('SELECT 1')\n"),
    "loops": again("[x for x in ", "FINAL("),
    "stars": again("*a"),
    "folders": again("**/"),
    "groups": nested("(", ")*"),
    "schemas in schemas": nested('{"items":', "}", '{"items":{}}'),
    "alternatives": again(',{"type":"integer"}', '{"anyOf":[{}'),
    "values": again("%d,", "[0,"),
}


@pytest.fixture(scope="module")
def collection() -> Iterator[Collection]:
    rows = "".join(f"Boat {n},{('Holm', 'Skerry')[n % 2]},V-{n}\n" for n in range(500))
    log = "".join(f"2024-05-01 10:00:{n % 60:02} host sshd[{n}]: failed password for u{n % 7}\n" for n in range(200))
    with Collection.of({"boats.csv": f"name,harbour,code\n{rows}", "auth.log": log}) as made:
        yield made


@pytest.fixture(params=[*LOOKS, "mentioned", "values_like", "search"])
def look(request: pytest.FixtureRequest, collection: Collection) -> Look:
    table = collection.tables[0]
    over: dict[str, Look] = {
        "mentioned": lambda text: mentioned(collection.rows, collection.tables, text),
        "values_like": lambda text: [values_like(collection.rows, table, each, text) for each in table.columns],
        "search": collection.search,
    }
    return {**LOOKS, **over}[request.param]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _understood(said: str, before: str, written: str = QUESTION) -> object:
    def slot(_prompt: Prompt, _text: str, options: Sequence[str]) -> str:
        return options[1]

    def write(*_: object) -> str:
        return f"{written}x"  # as what goes on with a follow-up, it has to have a letter

    model = ScriptedModel(slot=slot, write=write)
    return understand(model, [Exchange(before, before)], said, Budget(Limits()), Cancel())


def done(look: Look, data: bytes) -> None:
    with suppress(
        RlmLocalError, BadProgram, Unfit, MisfitError, json.JSONDecodeError, RecursionError
    ):  # it costs itself only
        look(data.decode())


def test_what_is_looked_at_costs_what_it_is_long(look: Look) -> None:
    for make in (*TEXTS.values(), *OWN.values()):
        check_time(partial(done, look), make, _BYTES)
    for make in OWN.values():
        check_memory(partial(done, look), make, _BYTES // 2)


@pytest.mark.slow
def test_a_megabyte_is_looked_at_in_two_seconds(look: Look) -> None:
    for make in (*TEXTS.values(), *OWN.values()):
        check_time(partial(done, look), make, _MANY)
        assert seconds(partial(done, look), make(_LONG)) < _SECONDS
