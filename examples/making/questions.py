"""Questions over the records, with the answers that follow from the data behind them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from making.code import SESSION_MINUTES, CodeBase
from making.handbook import Handbook
from making.letters import Letter
from making.logs import JobRun, PortalEvent
from making.notes import BASSOON, CARD_THEMES, THEATRE_SOAP, Card, Note
from making.sheet import Question, Sheet
from making.tickets import Ticket
from making.world import Physician, World


@dataclass(frozen=True)
class Facts:
    """All that the files were written from."""

    world: World
    notes: list[Note]
    cards: list[Card]
    letters: list[Letter]
    tickets: list[Ticket]
    portal: list[PortalEvent]
    jobs: list[JobRun]
    handbook: Handbook
    code: CodeBase


def make_questions(facts: Facts) -> list[Question]:
    sheet = Sheet()
    _counts(sheet, facts)
    _argmax(sheet, facts)
    _lookups(sheet, facts)
    _two_hops(sheet, facts)
    _needles(sheet, facts)
    _judgements(sheet, facts)
    _lists(sheet, facts)
    _not_there(sheet, facts)
    _short(sheet)
    return sheet.questions


def _counts(sheet: Sheet, facts: Facts) -> None:
    visits, tickets = facts.world.visits, facts.tickets
    sheet.ask(
        "count",
        "How many Neurology visits in 2024 ended as a no-show?",
        sum(v.day.year == 2024 and v.physician.department == "Neurology" and v.status == "no-show" for v in visits),
        "number",
    )
    sheet.ask(
        "count",
        "For the audit: how many visits were cancelled in Tarnwick in 2025?",
        sum(v.day.year == 2025 and v.physician.site == "Tarnwick" and v.status == "cancelled" for v in visits),
        "number",
        paths=("records/visits",),
    )
    user = facts.world.physicians[4].user
    sheet.ask(
        "count",
        f"Count the failed logins (event LOGIN) of {user} in the portal log, please.",
        sum(e.user == user and e.event == "LOGIN" and e.result == "FAILED" for e in facts.portal),
        "number",
    )
    sheet.ask(
        "count",
        "In the help desk's export, how many tickets of the category printing carry high priority?",
        sum(t.category == "printing" and t.priority == "high" for t in tickets),
        "number",
    )
    sheet.ask(
        "count",
        "On the 2025 invoice list (the I-2025 numbers), how many invoices of more than 300 crowns are overdue?",
        sum(i.visit.day.year == 2025 and i.amount > 300 and i.status == "overdue" for i in facts.world.invoices),
        "number",
        paths=("records/invoices/2025.csv",),
    )
    sheet.ask(
        "count",
        "How many functions in the Python code change a module-level variable through a global statement without being "
        "decorated as @audited?",
        sum(f.writes_global and not f.audited for f in facts.code.functions),
        "number",
        paths=("records/code",),
    )


def _argmax(sheet: Sheet, facts: Facts) -> None:
    visits = facts.world.visits
    physician = _most(v.physician.name for v in visits if v.day.year == 2025 and v.status == "completed")
    sheet.ask(
        "argmax",
        "Which physician had the most completed visits in 2025?",
        physician,
        "text",
        accept=(_surname(physician),),
    )
    sheet.ask(
        "argmax",
        "At which site were the most visits cancelled during 2024?",
        _most(v.physician.site for v in visits if v.day.year == 2024 and v.status == "cancelled"),
        "text",
    )
    sheet.ask(
        "argmax",
        "Who has the most failed logins in the portal log? Give the user name.",
        _most(e.user for e in facts.portal if e.event == "LOGIN" and e.result == "FAILED"),
        "text",
        paths=("records/logs/portal.log",),
    )
    sheet.ask(
        "argmax",
        "What category do most of the help-desk tickets that are still open (status open) belong to?",
        _most(t.category for t in facts.tickets if t.status == "open"),
        "text",
    )
    billed = Counter[str]()
    for invoice in facts.world.invoices:
        if invoice.visit.day.year == 2025:
            billed[invoice.visit.physician.department] += round(invoice.amount * 100)
    sheet.ask(
        "argmax",
        "Which department billed the highest total on the 2025 invoice list (numbers I-2025-...)?",
        _leader(billed),
        "text",
        paths=("records/invoices",),
    )


def _lookups(sheet: Sheet, facts: Facts) -> None:
    world = facts.world
    invoice = world.invoices[140]
    sheet.ask("lookup", f"What amount was billed with invoice {invoice.id}?", invoice.amount, "number")
    visit = world.visits[877]
    sheet.ask(
        "lookup",
        f"On what date did visit {visit.id} take place or was it due?",
        str(visit.day),
        "text",
        accept=_date_forms(visit.day),
    )
    physician = world.physicians[9]
    sheet.ask(
        "lookup",
        f"What is Dr {physician.name}'s telephone extension according to the staff list?",
        physician.extension,
        "text",
    )
    ticket = facts.tickets[88]
    sheet.ask(
        "lookup",
        f"Who at the help desk is the agent for ticket {ticket.ticket}?",
        ticket.agent,
        "text",
        accept=(_surname(ticket.agent),),
        paths=("records/exports/tickets.jsonl",),
    )
    patient = next(p for p in world.patients[50:] if p.insurer != "self-paying")
    sheet.ask("lookup", f"With which insurer is patient {patient.id} registered?", patient.insurer, "text")
    sheet.ask("lookup", "What value does the portal's code give SESSION_MINUTES?", SESSION_MINUTES, "number")


def _two_hops(sheet: Sheet, facts: Facts) -> None:
    world, handbook = facts.world, facts.handbook
    about_invoice = [letter for letter in facts.letters if letter.invoice]
    for letter, wording in zip(
        (about_invoice[3], about_invoice[11]),
        (
            "{name} has written to us about an invoice. How many crowns does that invoice come to?",
            "What is the amount of the invoice that {name} asks about by letter?",
        ),
        strict=True,
    ):
        if letter.invoice:
            question = wording.format(name=letter.sender)
            sheet.ask("two_hop", question, letter.invoice.amount, "number")
    letter = next(letter for letter in facts.letters if letter.visit)
    if letter.visit:
        seen_by = letter.visit.physician.name
        sheet.ask(
            "two_hop",
            f"{letter.sender} wrote in about an appointment. Which doctor was that visit with?",
            seen_by,
            "text",
            accept=(_surname(seen_by),),
        )
    sheet.ask(
        "two_hop",
        "I need to ring whoever carries the spare key to the medicine cupboard in Tarnwick. Which extension do I dial?",
        handbook.key_keeper.extension,
        "text",
    )
    ticket = facts.tickets[201]
    reporter = next(p for p in world.physicians if p.name == ticket.reporter)
    sheet.ask(
        "two_hop",
        f"The staff list gives everyone a room. Which one belongs to the person who reported ticket {ticket.ticket}?",
        reporter.room,
        "text",
    )
    sheet.ask(
        "two_hop",
        "In which department does the doctor work who has to countersign instalment agreements?",
        handbook.countersigner.department,
        "text",
    )
    bassoonist = next(note for note in facts.notes if BASSOON in note.text).visit.patient
    sheet.ask(
        "two_hop",
        "A note mentions a patient who plays the bassoon. What is that patient's full name?",
        bassoonist.name,
        "text",
    )


def _needles(sheet: Sheet, facts: Facts) -> None:
    sheet.ask(
        "needle",
        "What words must the duty desk say when the alarm company rings back after a false alarm?",
        "copper heron",
        "text",
    )
    sheet.ask("needle", "Some cable turned out to have been bitten through. Which animal did it?", "marten", "text")
    sheet.ask(
        "needle",
        "Somebody left an umbrella in one of our waiting rooms. What does its handle look like?",
        "carved owl",
        "text",
        accept=("owl",),
        paths=("records/letters",),
    )
    sheet.ask("needle", "Which snapshot had to be restored by hand after a checksum mismatch?", "nightly-0417", "text")
    sheet.ask(
        "needle",
        "How is linen from the isolation room marked so that nobody opens it by hand?",
        "green string",
        "text",
        paths=("records/handbook",),
    )
    sheet.ask("needle", "How many seconds fast was the clock that the nightly jobs found to be ahead?", 47, "number")
    sheet.ask("needle", "For how many years does the backup tape of the quarter stay in the vault?", 9, "number")
    sheet.ask(
        "needle",
        "With what does the reserve generator have to be started until the spare part is here?",
        "crank",
        "text",
    )
    confidant = facts.handbook.confidant.name
    sheet.ask(
        "needle", "Who alone may empty the confidential letter box?", confidant, "text", accept=(_surname(confidant),)
    )
    allergic = next(note for note in facts.notes if THEATRE_SOAP in note.text).visit.patient
    sheet.ask(
        "needle",
        "Which patient gets hives from the blue theatre soap? I need the patient number.",
        allergic.id,
        "text",
        paths=("records/notes",),
    )


def _judgements(sheet: Sheet, facts: Facts) -> None:
    wordings = (
        (
            "waiting",
            "records/notes/cardiology-2024.txt",
            "In how many of these notes is the patient unhappy about how long they had to wait at the clinic?",
        ),
        (
            "medicine",
            "records/notes/endocrinology-2025.txt",
            "How many of these notes are about a patient who does not take the medicine the way it was prescribed?",
        ),
        (
            "alone",
            "records/notes/neurology-2024.txt",
            "Social work asks: in how many of these notes does the patient have nobody who could help at home?",
        ),
        (
            "fear",
            "records/notes/ophthalmology-2025.txt",
            "In how many of these notes is the patient frightened of a procedure that lies ahead?",
        ),
        (
            "ignored",
            "records/feedback/2024-q3.jsonl",
            "How many of these comment cards come from people who felt that nobody listened or took them seriously?",
        ),
        (
            "access",
            "records/feedback/2025-q1.jsonl",
            "On how many of these cards does the writer report trouble getting to the building or about in it?",
        ),
    )
    for theme, path, question in wordings:
        items: list[Note] | list[Card] = facts.cards if theme in CARD_THEMES else facts.notes
        meant = sum(item.path == path and theme in item.themes for item in items)
        sheet.ask("judge", question, meant, "number", paths=(path,), tolerance=max(1, round(0.15 * meant)))


def _lists(sheet: Sheet, facts: Facts) -> None:
    world = facts.world
    at_clinic = [p.name for p in world.physicians if p.site == "Ostrel Bay" and "Thursday" in p.clinic_days]
    sheet.ask(
        "list",
        "Which physicians hold a clinic in Ostrel Bay on Thursdays?",
        tuple(at_clinic),
        "set",
        paths=("records/registers",),
    )
    locked = {e.user for e in facts.portal if e.event == "ACCOUNT_LOCKED" and e.at.month == 4}
    sheet.ask("list", "Name the portal users whose accounts were locked in April 2025.", _sorted(locked), "set")
    full = {run.host for run in facts.jobs if run.outcome == "disk-full"}
    sheet.ask("list", "On which hosts did a nightly job stop because there was no space left?", _sorted(full), "set")
    both = {f.name for f in facts.code.functions if f.writes_global and f.audited}
    sheet.ask(
        "list",
        "List the functions in the code that are @audited and contain a global statement.",
        _sorted(both),
        "set",
        paths=("records/code",),
    )
    overdue = Counter(i.visit.patient.id for i in world.invoices if i.visit.day.year == 2025 and i.status == "overdue")
    twice = {patient for patient, count in overdue.items() if count > 1}
    sheet.ask(
        "list", "Which patient numbers have two or more overdue invoices with an I-2025 number?", _sorted(twice), "set"
    )


def _not_there(sheet: Sheet, facts: Facts) -> None:
    physician: Physician = facts.world.physicians[2]
    for question, absent in (
        ("Who is in charge of the Oncology department?", ("oncology",)),
        ("How much was invoice I-2025-0999?", ("I-2025-0999",)),
        (f"What is Dr {physician.name}'s private mobile number?", ("mobile number", "mobile phone")),
        ("How many weeks of parental leave does the handbook grant?", ("parental",)),
        ("Which company insures the buildings against flooding?", ("flood",)),
        ("Which doctor was visit V-2023-0044 with?", ("V-2023-0044", "V-2023")),
    ):
        sheet.ask("not_there", question, "not found", "not_found", absent=absent)


def _short(sheet: Sheet) -> None:
    lease, minutes, mail = ("short/lease.txt",), ("short/minutes.md",), ("short/mail.eml",)
    recipe, prices = ("short/recipe.txt",), ("short/prices.csv",)
    sheet.ask(
        "short",
        "How long is the notice for ending the lease once the three years are over?",
        "four months",
        "text",
        paths=lease,
        accept=("4 months", "four months'", "four-month", "4-month"),
    )
    sheet.ask("short", "How many crowns does the tenant pay for one lost key?", 65, "number", paths=lease)
    sheet.ask("short", "Who is to order the new entrance mat?", "Willem", "text", paths=minutes)
    sheet.ask("short", "Was one of the offers for the aquarium accepted?", "no", "yes_no", paths=minutes)
    sheet.ask(
        "short",
        "At what time will the courier come in Tarnwick from 16 June?",
        "15:40",
        "text",
        paths=mail,
        accept=("3:40 pm", "3:40 p.m.", "15.40"),
    )
    sheet.ask("short", "Is vinegar all right where the lacquer on the plate is intact?", "no", "yes_no", paths=recipe)
    sheet.ask("short", "What does a missed appointment cost, in crowns?", 28, "number", paths=prices)


def _most(values: Iterable[str]) -> str:
    return _leader(Counter(values))


def _leader(counts: Counter[str]) -> str:
    """The one with the most; a lead of one would make the question a trap."""
    (first, most), (_, second) = counts.most_common(2)
    if most < second + 2:
        raise ValueError(f"no clear leader in {counts}: change the question or the seed")
    return first


def _sorted(names: set[str]) -> tuple[str, ...]:
    if not 2 <= len(names) <= 8:
        raise ValueError(f"a list question wants 2 to 8 names, not {len(names)}: change its condition")
    return tuple(sorted(names))


def _surname(name: str) -> str:
    return name.split(" ", 1)[1]


def _date_forms(day: date) -> tuple[str, ...]:
    month = f"{day:%B}"
    return f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", f"{day:%d.%m.%Y}", f"{day:%d/%m/%Y}"
