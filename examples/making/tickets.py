"""The help desk's tickets, as a JSON Lines export."""

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from making.phrases import decks, render
from making.world import World, rng_for

PATH = "records/exports/tickets.jsonl"
TICKETS = 280
CATEGORIES = ("printing", "login", "telephone", "display", "records", "network")
AGENTS = ("Britt Hallowdine", "Janis Ferncross", "Milo Stranderby", "Tova Ricklemarsh")
MARTEN = "Found: a marten had bitten through the cable above the false ceiling; cable in steel tube now."


@dataclass(frozen=True)
class Ticket:
    ticket: str
    opened: str
    reporter: str
    category: str
    priority: str
    status: str
    agent: str
    summary: str
    description: str


def make_tickets(world: World) -> list[Ticket]:
    rng = rng_for("tickets")
    by_section = decks(rng, "tickets")
    tickets: list[Ticket] = []
    day = date(2024, 1, 8)
    for n in range(1, TICKETS + 1):
        day += timedelta(days=rng.choice((1, 2, 2, 3, 3, 4)))
        category = rng.choices(CATEGORIES, (5, 5, 2, 3, 4, 4))[0]
        physician = rng.choice(world.physicians)
        slots = {"room": str(rng.randint(101, 399)), "code": f"E{rng.randint(100, 999)}"}
        sentences = [by_section[f"{category}.line"].draw() for _ in range(2)]
        sentences += [by_section["any.line"].draw() for _ in range(rng.randint(1, 2))]
        if n == 193:
            sentences.append(MARTEN)
        tickets.append(
            Ticket(
                ticket=f"T-{2000 + n}",
                opened=str(day),
                reporter=physician.name,
                category=category,
                priority=rng.choices(("low", "normal", "high"), (3, 5, 2))[0],
                status=rng.choices(("closed", "open", "on hold"), (7, 2, 1))[0],
                agent=rng.choice(AGENTS),
                summary=render(rng, by_section[f"{category}.summary"].draw(), slots),
                description=" ".join(render(rng, sentence, slots) for sentence in sentences),
            )
        )
    return tickets


def write_tickets(tickets: list[Ticket]) -> dict[str, str]:
    return {PATH: "".join(json.dumps(asdict(ticket)) + "\n" for ticket in tickets)}
