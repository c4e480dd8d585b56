"""Clinicians' notes and patients' comment cards: free text whose meaning is known here and written nowhere in it."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from making.phrases import Deck, bank, decks, render
from making.world import DEPARTMENTS, SITES, WEEKDAYS, YEARS, Visit, World, rng_for

NOTE_THEMES = ("waiting", "medicine", "alone", "fear")
CARD_THEMES = ("ignored", "access")
NOTES_PER_FILE = 40
CARDS_PER_FILE = 48

BASSOON = "Plays the bassoon in the town band and asked about the pressure on the lips."
THEATRE_SOAP = "Reacts to the blue theatre soap with hives; to be washed with plain water only."


@dataclass(frozen=True)
class Note:
    path: str
    visit: Visit
    themes: frozenset[str]  # the themes that the text means
    text: str


@dataclass(frozen=True)
class Card:
    path: str
    id: str
    day: date
    site: str
    themes: frozenset[str]
    comment: str


def make_notes(world: World) -> list[Note]:
    """Up to `NOTES_PER_FILE` notes for each department and year, each on a completed visit."""
    rng = rng_for("notes")
    notes: list[Note] = []
    for department in DEPARTMENTS:
        for year in YEARS:
            seen = [
                visit
                for visit in world.visits
                if visit.physician.department == department and visit.day.year == year and visit.status == "completed"
            ]
            path = f"records/notes/{department.lower()}-{year}.txt"
            chosen = sorted(rng.sample(seen, min(NOTES_PER_FILE, len(seen))), key=lambda visit: visit.id)
            by_section = decks(rng, "notes")  # fresh for each file: a file does not repeat itself
            notes += [_note(rng, world, visit, path, by_section) for visit in chosen]
    return _with_fact(_with_fact(notes, 71, BASSOON), 402, THEATRE_SOAP)


def write_notes(notes: list[Note]) -> dict[str, str]:
    files: dict[str, str] = {}
    for note in notes:
        visit = note.visit
        heading = f"Visit {visit.id} | {visit.day} | {visit.patient.id} | Dr {visit.physician.name}"
        files[note.path] = files.get(note.path, "") + f"{heading}\n{note.text}\n\n"
    return files


def make_cards() -> list[Card]:
    """`CARDS_PER_FILE` comment cards for each of six quarters."""
    rng = rng_for("cards")
    cards: list[Card] = []
    for year, quarter in ((2024, 1), (2024, 2), (2024, 3), (2024, 4), (2025, 1), (2025, 2)):
        by_section = decks(rng, "feedback")
        first = date(year, 3 * quarter - 2, 1)
        for n in range(1, CARDS_PER_FILE + 1):
            themes, sentences = _themes(rng, CARD_THEMES, by_section)
            sentences += [by_section["plain"].draw() for _ in range(rng.randint(2, 3))]
            rng.shuffle(sentences)
            slots = {"town": rng.choice(SITES)}
            cards.append(
                Card(
                    path=f"records/feedback/{year}-q{quarter}.jsonl",
                    id=f"F-{year}{quarter}-{n:02}",
                    day=first + timedelta(days=rng.randrange(88)),
                    site=rng.choice(SITES),
                    themes=themes,
                    comment=" ".join(render(rng, sentence, slots) for sentence in sentences),
                )
            )
    return cards


def write_cards(cards: list[Card]) -> dict[str, str]:
    files: dict[str, str] = {}
    for card in cards:
        row = {"card": card.id, "received": str(card.day), "site": card.site, "comment": card.comment}
        files[card.path] = files.get(card.path, "") + json.dumps(row) + "\n"
    return files


def _note(rng: Random, world: World, visit: Visit, path: str, by_section: dict[str, Deck]) -> Note:
    themes, meaning = _themes(rng, NOTE_THEMES, by_section)
    middle = [*meaning, by_section["exam"].draw()]
    middle += [by_section["history"].draw() for _ in range(rng.randint(1, 3))]
    middle += [by_section["colour"].draw() for _ in range(rng.randint(1, 2))]
    rng.shuffle(middle)
    sentences = [by_section["opening"].draw(), *middle, by_section["plan"].draw()]
    if rng.random() < 0.6:
        sentences.append(by_section["closing"].draw())
    text = " ".join(render(rng, sentence, _slots(rng, world, visit)) for sentence in sentences)
    return Note(path, visit, themes, text)


def _themes(rng: Random, names: tuple[str, ...], by_section: dict[str, Deck]) -> tuple[frozenset[str], list[str]]:
    """For each theme a sentence that means it, one that only sounds like it, or none."""
    meant: set[str] = set()
    sentences: list[str] = []
    for theme in names:
        turn = rng.choices(("yes", "no", ""), (28, 30, 42))[0]
        if turn:
            sentences.append(by_section[f"{theme}.{turn}"].draw())
        if turn == "yes":
            meant.add(theme)
    return frozenset(meant), sentences


def _slots(rng: Random, world: World, visit: Visit) -> dict[str, str]:
    words = bank("departments")
    department = visit.physician.department
    measure = rng.choice(words["measure"])
    colleagues = [p.name for p in world.physicians if p is not visit.physician]
    return {
        **visit.patient.pronouns(),
        "age": str(visit.day.year - visit.patient.born),
        "town": visit.patient.town,
        "occupation": words["occupation"][int(visit.patient.id[2:]) % len(words["occupation"])],
        "complaint": rng.choice(words[f"{department}.complaint"]),
        "finding": rng.choice(words[f"{department}.finding"]),
        "measure": measure,
        "measure_c": measure[0].upper() + measure[1:],
        "ago": rng.choice(words["ago"]),
        "daytime": rng.choice(words["daytime"]),
        "weekday": rng.choice(WEEKDAYS),
        "colleague": f"Dr {rng.choice(colleagues).split(' ', 1)[1]}",
        "bp": f"{rng.randint(105, 165)}/{rng.randint(62, 96)}",
        "pulse": str(rng.randint(54, 96)),
        "temp": f"{rng.uniform(36.2, 37.3):.1f}",
        "weeks": str(rng.choice((2, 3, 4, 6, 8, 12))),
        "minutes": str(visit.minutes),
    }


def _with_fact(notes: list[Note], at: int, fact: str) -> list[Note]:
    note = notes[at]
    head, stop, tail = note.text.rpartition(". ")
    changed = Note(note.path, note.visit, note.themes, f"{head}{stop}{fact} {tail}")
    return [*notes[:at], changed, *notes[at + 1 :]]
