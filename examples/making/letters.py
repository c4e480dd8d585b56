"""Letters to the office, as e-mail messages; some name an invoice or a visit that other records explain."""

import textwrap
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from random import Random

from making.phrases import bank, decks, render
from making.world import SITES, WEEKDAYS, Invoice, Patient, Visit, World, rng_for

KINDS = {"invoice": 26, "thanks": 15, "records": 15, "visit": 16, "supplier": 10, "referral": 14}
UMBRELLA = (
    "By the way, on my last visit I left an umbrella with a carved owl for a handle in your waiting room; "
    "it was my grandfather's, and I would gladly fetch it."
)
SWITCH = (
    "The reserve generator in your cellar failed its test run, and until the part arrives it has to be started by "
    "hand with the crank behind the boiler."
)


@dataclass(frozen=True)
class Letter:
    path: str
    kind: str
    day: date
    sender: str
    subject: str
    body: str
    patient: Patient
    invoice: Invoice | None = None
    visit: Visit | None = None


def make_letters(world: World) -> list[Letter]:
    rng = rng_for("letters")
    # One letter for each patient, so that a name leads to one letter.
    invoices = {invoice.visit.patient.id: invoice for invoice in world.invoices}
    visits = {visit.patient.id: visit for visit in world.visits if visit.status == "completed"}
    writers = rng.sample([p for p in world.patients if p.id in invoices and p.id in visits], sum(KINDS.values()))
    kinds = rng.sample([kind for kind, count in KINDS.items() for _ in range(count)], len(writers))
    by_section = decks(rng, "letters")
    letters: list[Letter] = []
    for n, (kind, patient) in enumerate(zip(kinds, writers, strict=True), 1):
        invoice = invoices[patient.id] if kind == "invoice" else None
        visit = visits[patient.id] if kind == "visit" else None
        cause = invoice.issued if invoice else visit.day if visit else date(2024, 2, 1) + timedelta(rng.randrange(600))
        sender = _sender(rng, kind, patient)
        slots = _slots(rng, world, patient, invoice, visit)
        lines = [by_section[f"{kind}.start"].draw()]
        lines += rng.sample(bank("letters")[f"{kind}.middle"], rng.randint(3, 4))
        lines += [by_section["any.middle"].draw() for _ in range(rng.randint(3, 5))]
        letters.append(
            Letter(
                path=f"records/letters/L{n:03}.eml",
                kind=kind,
                day=cause + timedelta(days=rng.randint(2, 25)),
                sender=sender,
                subject=render(rng, by_section[f"{kind}.subject"].draw(), slots),
                body=_body(rng, sender, [render(rng, line, slots) for line in lines]),
                patient=patient,
                invoice=invoice,
                visit=visit,
            )
        )
    return _with_fact(_with_fact(letters, "thanks", UMBRELLA), "supplier", SWITCH)


def write_letters(letters: list[Letter]) -> dict[str, str]:
    return {letter.path: _message(letter) for letter in letters}


def _sender(rng: Random, kind: str, patient: Patient) -> str:
    if kind == "supplier":
        return rng.choice(
            ("Osmund Medical Supply", "Lift and Light Services", "Tarn Valley Technics", "Pell and Brook")
        )
    if kind == "referral":
        return rng.choice(("Family practice at the Old Mill", "Practice on Weir Lane", "Surgery at Ferry Gate"))
    return patient.name


def _slots(rng: Random, world: World, patient: Patient, invoice: Invoice | None, visit: Visit | None) -> dict[str, str]:
    return {
        **patient.pronouns(),
        "invoice": invoice.id if invoice else "",
        "visit": visit.id if visit else "",
        "site": rng.choice(SITES),
        "physician": f"Dr {rng.choice(world.physicians).name.split(' ', 1)[1]}",
        "weekday": rng.choice(WEEKDAYS),
        "week": str(rng.randint(5, 48)),
        "ago": rng.choice(bank("departments")["ago"]),
    }


def _body(rng: Random, sender: str, lines: list[str]) -> str:
    words = bank("letters")
    cut = rng.randint(2, len(lines) - 1)
    paragraphs = [" ".join(lines[:cut]), " ".join(lines[cut:])]
    parts = [rng.choice(words["greeting"]), *paragraphs, render(rng, rng.choice(words["close"]), {}), sender]
    return "\n\n".join(textwrap.fill(part, 76) for part in parts)


def _message(letter: Letter) -> str:
    message = EmailMessage()
    address = letter.sender.lower().replace(" ", ".")
    message["From"] = f"{letter.sender} <{address}@post.example>"
    message["To"] = "Office <office@harrowmere.example>"
    noon = datetime(letter.day.year, letter.day.month, letter.day.day, 12, tzinfo=UTC)
    message["Date"] = format_datetime(noon)
    message["Subject"] = letter.subject
    message.set_content(letter.body + "\n", charset="us-ascii")
    return message.as_string()


def _with_fact(letters: list[Letter], kind: str, fact: str) -> list[Letter]:
    at = next(n for n, letter in enumerate(letters) if letter.kind == kind)
    old = letters[at]
    greeting, rest = old.body.split("\n\n", 1)
    body = f"{greeting}\n\n{textwrap.fill(fact, 76)}\n\n{rest}"
    changed = Letter(old.path, old.kind, old.day, old.sender, old.subject, body, old.patient)
    return [*letters[:at], changed, *letters[at + 1 :]]
