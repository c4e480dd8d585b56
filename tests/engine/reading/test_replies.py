# ruff: noqa: RUF001 - letters of other scripts are meant
"""From a model's reply to what is shown: whatever a model writes, what is shown stands in what it cites.

Replies are made of sentences whose quotations, numbers and names are right or wrong, in several languages and scripts.
Whether a sentence is right is judged here by letters and numbers alone, not by the code under test.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_local.collection.view import View
from rlm_local.engine.batches import Batches
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.events import Voice, ignore
from rlm_local.engine.notes import Notebook
from rlm_local.engine.passages import Passages
from rlm_local.engine.reading import read
from rlm_local.log import CallKind, CallRecord, RunLog
from rlm_local.models import Cancel, Prompt
from tests.engine.records import view_of
from tests.models.fakes import ScriptedModel


@dataclass(frozen=True)
class Fact:
    """A text, and sentences about it with a {name}, a {number} or a {quote}: the first of each is right, written in
    several ways, and the others are wrong."""

    text: str
    sentences: tuple[str, ...]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    numbers: tuple[tuple[str, ...], tuple[str, ...]]
    quotes: tuple[tuple[str, ...], tuple[str, ...]]


FACTS = (
    Fact(
        "The rent of the boathouse is 1,234.5 crowns a month, and Marta Lindqvist pays it.\n"
        "She wrote that “the roof won\u2019t last another winter”, and asked for an offer.",
        (
            "The rent of the boathouse is {number} crowns a month.",
            "{name} pays the rent of the boathouse, {number} crowns.",
            "The rent of the boathouse is paid by Ms {name}.",
            'She wrote that "{quote}" and asked for an offer.',
            "{quote}",
        ),
        (("Lindqvist", "Marta Lindqvist", "Lindqvists"), ("Rubio", "Lindgren", "Martin", "Marten Holm", "Lindström")),
        (("1,234.5", "1.234,5", "1234.5", "1 234,50"), ("1,234", "12,345", "12345", "234.5", "1,234.6")),
        (
            ("the roof won't last another winter", "the roof  won’t last\nanother", "last another winter,"),
            ("the roof will last another winter", "the roof won't last another summer", "a new roof"),
        ),
    ),
    Fact(
        "Die Kündigungsfrist für das Bootshaus beträgt 1.234,5 Tage. Den Dachboden\u00adschlüssel verwahrt Frau "
        "Schuster.\nDie Verwaltung schrieb: „Die Wasser\u00adleitung bleibt im Winter gesperrt.“ Der Steg ist für die "
        "Mieter und für ihre Gäste da, und die Miete wird am Anfang des Monats auf das Konto der Verwaltung gezahlt.",
        (
            "Die Kündigungsfrist für das Bootshaus beträgt {number} Tage.",
            "Den Dachbodenschlüssel verwahrt {name}.",
            "Den Dachboden\u00adschlüssel für das Bootshaus verwahrt nun Frau {name}.",
            "{name} verwahrt den Schlüssel für den Dachboden, und die Frist beträgt {number} Tage.",
            "Die Verwaltung schrieb: „{quote}“",
            "{quote}",
        ),
        (("Schuster", "Frau Schuster"), ("Rubio", "Schulze", "Herr Holm", "Schumann")),
        (("1.234,5", "1,234.5", "1234,5"), ("1.234", "12.345", "1.243,5", "123,45")),
        (
            ("Die Wasserleitung bleibt im Winter gesperrt", "bleibt im\u00ad Winter gesperrt."),
            ("Die Wasserleitung bleibt im Sommer gesperrt", "Die Gasleitung bleibt im Winter gesperrt"),
        ),
    ),
    Fact(
        "船屋的租金是每月1,200元，由王芳支付。屋顶是2021年修的，管理人写道：「冬天水管关闭」。",
        (
            "船屋的租金是每月{number}元，由{name}支付。",
            "租金由{name}支付。",
            "由{name}支付",
            "管理人写道：「{quote}」",
            "每月{number}元",
        ),
        (("王芳",), ("李明", "王明", "张芳")),
        (("1,200", "1200", "1.200"), ("1,300", "120", "2012")),
        (("冬天水管关闭", "水管关闭"), ("夏天水管关闭", "冬天水管开放")),
    ),
    Fact(
        "Причал стоит 3500 крон в год, и платит за него Ольга Петрова. Сторож писал: «лодка течёт двенадцать дней».",
        (
            "Причал стоит {number} крон в год.",
            "За причал платит {name}, {number} крон в год.",
            "За причал платит Ольга, говорит {name}.",
            "Сторож писал: «{quote}».",
        ),
        (("Петрова", "Ольга Петрова", "Петровой"), ("Сидорова", "Иванов", "Анна Орлова")),
        (("3500", "3 500", "3.500"), ("3600", "350", "35")),
        (("лодка течёт двенадцать дней", "течёт  двенадцать"), ("лодка течёт тринадцать дней", "лодка цела")),
    ),
    Fact(
        "Le gardien, M. Dupont, garde 12 clés du hangar depuis 2019. Il a écrit : « la barque prend l\u2019eau ».",
        (
            "Le gardien garde {number} clés du hangar.",
            "M. {name} garde les clés du hangar depuis {number}.",
            "Il a écrit : « {quote} ».",
        ),
        (("Dupont",), ("Durand", "Dupuis", "Lefèvre")),
        (("12", "2019"), ("21", "2018", "1")),
        (("la barque prend l'eau", "prend l’eau"), ("la barque prend le large", "la barque ne prend pas l'eau")),
    ),
)
DOCUMENTS = {f"{letter}.txt": fact.text for letter, fact in zip("abcde", FACTS, strict=True)}
NAMES = sorted({name for fact in FACTS for names in fact.names for each in names for name in each.split()})
_UNSEEN = re.compile(r"[\s\u00ad]+")
_SHAPES = str.maketrans("‘’‚“”„«»", '\'\'\'"""""')


def made(draw: random.Random) -> list[str]:
    """The sentences of a reply, about one text or another."""
    reply: list[str] = []
    for _ in range(draw.randint(1, 5)):
        fact = draw.choice(FACTS)
        parts = {
            part: draw.choice(draw.choice(both))
            for part, both in (("name", fact.names), ("number", fact.numbers), ("quote", fact.quotes))
        }
        reply.append(" ".join(draw.choice(fact.sentences).format(**parts).split("\n")))
    return reply


# ---- by letters and numbers


def letters(text: str) -> str:
    return _UNSEEN.sub("", text.translate(_SHAPES))


def numbers(text: str) -> set[Decimal]:
    """The numbers in a text: three digits after a mark are a group of them."""
    found: set[Decimal] = set()
    for written in re.findall(r"\d+(?:[.,]\d+|[ ]\d{3}(?!\d))*", text):
        bare = re.sub(r"[ .,](?=\d{3}(?!\d))", "", written)
        found.add(Decimal(bare.replace(",", ".")))
    return found


def wrong(sentence: str, source: str) -> list[str]:
    """What of a sentence its source does not have."""
    told = letters(source)
    quotes = re.findall(r'"([^"]+)"', sentence.translate(_SHAPES)) + re.findall("「([^」]+)」", sentence)
    missing = [quote for quote in quotes if letters(quote).strip(".,") not in told]
    missing += [str(number) for number in numbers(sentence) - numbers(source)]
    bare = _UNSEEN.sub(" ", sentence.replace("\u00ad", ""))
    cased = [name for name in NAMES if name.isascii() or name[0].isupper()]
    missing += [name for name in cased if re.search(rf"\b{name}\b", bare) and letters(name)[:5] not in told]
    return missing + [name for name in NAMES if name not in cased and name in bare and name not in told]


# ---- what is shown of a reply


def scripted(draw: random.Random, reply: Sequence[str]) -> ScriptedModel:
    """A model that reads: it says that the passages state it, names any passage, and writes these sentences."""
    left = list(reply)

    def slot(_prompt: Prompt, text: str, options: Sequence[str]) -> str:
        if options[0].strip() == "yes":
            return options[0]
        if "answer:" in options:
            return "answer:" if len(reply) == 1 else "sentences:"
        return "\nend" if not left else draw.choice([each for each in options if each != "\nend"])

    return ScriptedModel(slot=slot, write=lambda _prompt, _text: f" {left.pop(0)}")


def read_out(view: View, draw: random.Random, reply: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The sentences that a reading shows, each with the text that it cites."""
    passages = Passages(view)
    spans = [(document.start, document.end) for document in view.documents]
    done = read(scripted(draw, reply), passages, "What do they say?", spans).decode(Cancel())
    if len(reply) == 1:
        yield from ((done.answer, view.text(*place)) for place in done.evidence)
        return
    for sentence, number in re.findall(r"(.*?) \[(\d)\](?: |$)", done.answer, re.DOTALL):
        yield sentence, view.text(*done.evidence[int(number) - 1])


class _NoLog(RunLog):
    def __init__(self) -> None:
        self.run_id = ""

    def calls(self, turn: int, kind: CallKind, calls: Sequence[CallRecord], seconds: float) -> None:
        pass


def _place(pair: Any) -> tuple[int, int]:
    return pair[0], pair[1]


def summed_up(view: View, draw: random.Random, reply: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The points that a summary shows, each with the texts that it cites: these sentences are the notes, and some of
    them, with the numbers of any notes, what these come to."""
    lines = [f"[{draw.randint(1, len(FACTS))}] {sentence}" for sentence in reply]
    merged = [f"[{draw.randint(1, 3)}, {draw.randint(1, 5)}] {sentence}" for sentence in draw.sample(reply, len(reply))]
    model = ScriptedModel(
        lambda prompt: "\n".join(merged if "given numbered notes" in prompt.messages[0].content else lines)
    )
    batches = Batches(model, Budget(Limits()), Cancel(), _NoLog(), Voice(ignore, 1, None, 0))
    notebook = Notebook(
        batches, view, lambda _asks: [], _place, lambda _text, _places: None, lambda _told: None
    ).calls()
    points = notebook["take_notes"]("What do they say?")
    summary: dict[str, Any] = (
        notebook["summed_up"]("What do they say?", points, "points") if points else {"text": "", "evidence": []}
    )
    places = [view.text(*place) for place in summary["evidence"]]
    for line in re.split(r"\n(?=- )", summary["text"]) if summary["text"] else []:
        found = re.fullmatch(r"- (.*) \[([\d, ]+)\]", line, re.DOTALL)
        assert found is not None
        told = re.sub(r" \(\d of \d\)$", "", found[1])
        yield told, "\n".join(places[int(number) - 1] for number in found[2].split(", "))


@settings(max_examples=250)
@given(st.randoms())
def test_no_sentence_of_a_reading_is_shown_that_its_place_does_not_hold(draw: random.Random) -> None:
    assert not [each for each in read_out(view_of(DOCUMENTS), draw, made(draw)) if wrong(*each)]


@settings(max_examples=250)
@given(st.randoms())
def test_no_point_of_a_summary_is_shown_that_its_places_do_not_hold(draw: random.Random) -> None:
    assert not [each for each in summed_up(view_of(DOCUMENTS), draw, made(draw)) if wrong(*each)]


def test_many_made_replies_are_wrong_and_right_sentences_are_shown() -> None:
    draw, view = random.Random(5), view_of(DOCUMENTS)
    replies = [made(draw) for _ in range(60)]
    right = [[not wrong(each, "\n".join(DOCUMENTS.values())) for each in reply] for reply in replies]
    shown = [len([*read_out(view, draw, reply)]) for reply in replies]
    assert sum(map(all, right)) < 30
    assert sum(shown) > 0.6 * sum(map(sum, right))
