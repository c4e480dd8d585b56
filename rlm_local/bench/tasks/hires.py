"""The records of a tool hire with several branches: hires, customers, and messages whose meaning no field has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

CHARACTERS_PER_TOKEN = 1.68

BRANCHES = ("Ashford", "Brindle", "Coldwater", "Dunmere", "Elmstead", "Foxley")
TOOLS = (
    "cement mixer", "chain saw", "floor sander", "pressure washer", "scaffold tower", "tile cutter", "trench rammer",
    "wood chipper",
)  # fmt: skip
STATUSES = ("returned", "overdue", "lost", "reserved")
TOWNS = "Ostrava,Lindau,Mariefred,Tilburg,Bergamo,Cascais,Hollabrunn,Kolding".split(",")
YEARS = (2023, 2024, 2025)
_FIRST = "Agnes Bruno Celia Dario Edith Felix Gerda Hugo Irma Jakob Klara Leon Mona Nils Olga Paul".split()
_LAST = "Abel Brandt Conti Duarte Egger Falk Grieg Holub Ivers Jansen Kranz Lund Moreau Novak Orlov Pike".split()

TOPICS = {
    "complains that the tool was broken": (
        "The {tool} stopped after ten minutes and would not start again. I want my money back.",
        "We collected the {tool} on Friday and it never worked; the switch was loose. Not what I paid for.",
        "Sadly the {tool} had a cracked housing and we could not use it at all.",
        "Half the day was lost because your {tool} gave up. Please have it looked at.",
    ),
    "asks to keep the tool longer": (
        "Could we have the {tool} until Sunday? The rain has held us up.",
        "We are not done with the wall yet. May I bring the {tool} back two days later?",
        "Is it possible to extend the hire of the {tool} by a week?",
        "The job takes more time than planned, so I would like to hold on to the {tool} until Thursday.",
    ),
    "praises the staff": (
        "Your colleague at the counter explained the {tool} so patiently. Thank you!",
        "I was very well advised, and the young man even carried the {tool} to my car. Great people.",
        "Friendly, quick, and they knew all about the {tool}. A pleasure.",
        "Please tell the lady at the desk that she saved my weekend with the {tool}.",
    ),
    "asks for an invoice": (
        "For our books we still need a bill for the {tool}. Can you send one?",
        "I cannot find the invoice for the {tool}; would you mail me a copy?",
        "Our tax adviser asks for a receipt for the {tool} that we had last month.",
        "Please make out the bill for the {tool} to the company, not to me.",
    ),
}
"""What messages say, by what is asked about them."""


@dataclass(frozen=True)
class Hire:
    """A row of hires.csv."""

    id: str
    day: date
    branch: str
    tool: str
    customer: str
    days: int
    price: int
    status: str

    @property
    def line(self) -> str:
        cells = (self.id, self.day, self.branch, self.tool, self.customer, self.days, self.price, self.status)
        return ",".join(map(str, cells))


@dataclass(frozen=True)
class Customer:
    """A row of customers.csv."""

    id: str
    name: str
    town: str

    @property
    def line(self) -> str:
        return f"{self.id},{self.name},{self.town}"


@dataclass(frozen=True)
class Message:
    """A row of messages.csv, with what it is about, which is not in it."""

    id: str
    day: date
    branch: str
    text: str
    topic: str

    @property
    def line(self) -> str:
        return f'{self.id},{self.day},{self.branch},"{self.text}"'


@dataclass(frozen=True)
class Records:
    """All tables. `busy` is a branch and the first day of a month with 10 to 30 messages, whatever the length."""

    hires: Sequence[Hire]
    customers: Sequence[Customer]
    messages: Sequence[Message]
    busy: tuple[str, date]

    def documents(self) -> dict[str, str]:
        return {
            "hires.csv": _table("hire_id,date,branch,tool,customer_id,days,price,status", self.hires),
            "customers.csv": _table("customer_id,name,town", self.customers),
            "messages.csv": _table("message_id,date,branch,text", self.messages),
        }


def make_records(characters: int, rng: Random) -> Records:
    """Tables of some characters in all: a fifth messages, the rest hires and a customer for every five of them."""
    busy = (rng.choice(BRANCHES), date(rng.choice(YEARS), rng.randint(1, 12), 1))
    planted = min(rng.randint(10, 30), max(4, characters // 600))
    messages = [_message(number, _in_month(busy[1], rng), busy[0], rng) for number in range(planted)]
    left = characters // 5 - _length(messages)
    while left > 0:
        message = _message(len(messages), _day(rng), rng.choice(BRANCHES), rng)
        if (message.branch, message.day.replace(day=1)) != busy:
            messages.append(message)
            left -= len(message.line) + 1
    customers: list[Customer] = []
    hires: list[Hire] = []
    left = characters - _length(messages)
    while left > 0:
        if len(hires) % 5 == 0:
            customers.append(_customer(len(customers), rng))
            left -= len(customers[-1].line) + 1
        hires.append(_hire(len(hires), rng.choice(customers).id, rng))
        left -= len(hires[-1].line) + 1
    return Records(hires, customers, sorted(messages, key=lambda message: message.id), busy)


def _hire(number: int, customer: str, rng: Random) -> Hire:
    days = rng.randint(1, 14)
    return Hire(
        id=f"H-{number + 1:06}",
        day=_day(rng),
        branch=rng.choices(BRANCHES, range(4, 4 + len(BRANCHES)))[0],
        tool=rng.choices(TOOLS, range(4, 4 + len(TOOLS)))[0],
        customer=customer,
        days=days,
        price=days * rng.randint(11, 60),
        status=rng.choices(STATUSES, (12, 4, 1, 3))[0],
    )


def _customer(number: int, rng: Random) -> Customer:
    """Names differ: the first 256 without a middle name, the others with a number of their own as initials."""
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST) % len(_LAST)]
    middle, rest = "", number // (len(_FIRST) * len(_LAST))
    while rest:
        rest, letter = divmod(rest - 1, 26)
        middle = f"{chr(ord('A') + letter)}. {middle}"
    return Customer(f"C-{number + 1:06}", f"{first} {middle}{last}", rng.choice(TOWNS))


def _message(number: int, day: date, branch: str, rng: Random) -> Message:
    topic = rng.choice(tuple(TOPICS))
    return Message(f"M-{number + 1:06}", day, branch, rng.choice(TOPICS[topic]).format(tool=rng.choice(TOOLS)), topic)


def _day(rng: Random) -> date:
    first = date(YEARS[0], 1, 1)
    return first + timedelta(rng.randrange((date(YEARS[-1], 12, 31) - first).days + 1))


def _in_month(first: date, rng: Random) -> date:
    return first.replace(day=rng.randint(1, 28))


def _length(rows: Sequence[Message]) -> int:
    return sum(len(row.line) + 1 for row in rows)


def _table(header: str, rows: Sequence[Hire] | Sequence[Customer] | Sequence[Message]) -> str:
    return "\n".join([header, *(row.line for row in rows)]) + "\n"
