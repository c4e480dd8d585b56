"""The Harrowmere Clinics, which do not exist: sites, departments, staff, patients, and two years of visits."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from making.phrases import bank

SEED = 20240235
SITES = ("Harrowmere", "Tarnwick", "Ostrel Bay", "Low Fennick")
DEPARTMENTS = (
    "Cardiology",
    "Dermatology",
    "Endocrinology",
    "Neurology",
    "Ophthalmology",
    "Orthopaedics",
    "Pulmonology",
    "Rheumatology",
)
YEARS = (2024, 2025)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
VISITS_PER_YEAR = 600


@dataclass(frozen=True)
class Physician:
    name: str
    user: str
    department: str
    site: str
    room: str
    extension: str
    clinic_days: tuple[str, ...]


@dataclass(frozen=True)
class Patient:
    id: str
    name: str
    female: bool
    born: int
    town: str
    insurer: str

    @property
    def surname(self) -> str:
        return self.name.split(" ", 1)[1]

    def pronouns(self) -> dict[str, str]:
        """Slots for prose about the patient."""
        he, him, his, himself = ("she", "her", "her", "herself") if self.female else ("he", "him", "his", "himself")
        title = "Ms" if self.female else "Mr"
        return {
            "he": he,
            "He": he.capitalize(),
            "him": him,
            "his": his,
            "His": his.capitalize(),
            "himself": himself,
            "Name": f"{title} {self.surname}",
            "patient_id": self.id,
        }


@dataclass(frozen=True)
class Visit:
    id: str
    day: date
    time: str
    patient: Patient
    physician: Physician
    reason: str
    status: str
    minutes: int


@dataclass(frozen=True)
class Invoice:
    id: str
    issued: date
    visit: Visit
    amount: float  # crowns
    status: str


@dataclass(frozen=True)
class World:
    physicians: tuple[Physician, ...]
    patients: tuple[Patient, ...]
    visits: tuple[Visit, ...]
    invoices: tuple[Invoice, ...]


def rng_for(part: str) -> Random:
    """A stream of its own for each part, so that a change to one leaves the others as they were."""
    return Random(f"{SEED}/{part}")  # noqa: S311 - examples, not secrets


def make_world() -> World:
    rng = rng_for("world")
    physicians = _physicians(rng)
    patients = _patients(rng)
    visits = [visit for year in YEARS for visit in _visits(rng, year, physicians, patients)]
    invoices = [invoice for year in YEARS for invoice in _invoices(rng, year, visits)]
    return World(tuple(physicians), tuple(patients), tuple(visits), tuple(invoices))


def _physicians(rng: Random) -> list[Physician]:
    names = bank("names")
    surnames = rng.sample(names["surname.staff"], 3 * len(DEPARTMENTS))
    first_names = rng.sample(names["first.f"] + names["first.m"], len(surnames))
    rooms = rng.sample(range(101, 399), len(surnames))
    extensions = rng.sample(range(2100, 2999), len(surnames))
    return [
        Physician(
            name=f"{first_names[n]} {surname}",
            user=(first_names[n][0] + surname).lower(),
            department=DEPARTMENTS[n % len(DEPARTMENTS)],
            site=rng.choice(SITES),
            room=str(rooms[n]),
            extension=str(extensions[n]),
            clinic_days=tuple(day for day in WEEKDAYS if rng.random() < 0.5) or ("Friday",),
        )
        for n, surname in enumerate(surnames)
    ]


def _patients(rng: Random) -> list[Patient]:
    names = bank("names")
    everyone = [
        (f"{first} {surname}", sex == "f")
        for sex in ("f", "m")
        for first in names[f"first.{sex}"]
        for surname in names["surname.patient"]
    ]
    towns = (*SITES, "Upper Skelling", "Brantmere", "Wold Ferry", "Kirk Ansty Moor", "Dunfallow")
    insurers = ("Northlight Mutual", "Guildfund", "Anker and Vale", "self-paying")
    return [
        Patient(
            id=f"P-{10001 + n}",
            name=name,
            female=female,
            born=rng.randint(1938, 2001),
            town=rng.choice(towns),
            insurer=rng.choice(insurers),
        )
        for n, (name, female) in enumerate(rng.sample(everyone, 300))
    ]


def _visits(rng: Random, year: int, physicians: list[Physician], patients: list[Patient]) -> list[Visit]:
    reasons = bank("departments")["reason"]
    weights = [rng.uniform(0.7, 1.3) for _ in physicians]
    days = sorted(rng.choice(_working_days(year)) for _ in range(VISITS_PER_YEAR))
    return [
        Visit(
            id=f"V-{year}-{n:04}",
            day=day,
            time=f"{rng.randint(8, 16):02}:{rng.choice((0, 15, 30, 45)):02}",
            patient=rng.choice(patients),
            physician=rng.choices(physicians, weights)[0],
            reason=rng.choice(reasons),
            status=rng.choices(("completed", "cancelled", "no-show", "rescheduled"), (76, 10, 9, 5))[0],
            minutes=rng.randrange(10, 65, 5),
        )
        for n, day in enumerate(days, 1)
    ]


def _invoices(rng: Random, year: int, visits: list[Visit]) -> list[Invoice]:
    billed = [visit for visit in visits if visit.day.year == year and visit.status == "completed"]
    return [
        Invoice(
            id=f"I-{year}-{n:04}",
            issued=visit.day + timedelta(days=rng.randint(3, 20)),
            visit=visit,
            amount=round(visit.minutes * rng.uniform(3.2, 9.8) + 20, 1),
            status=rng.choices(("paid", "open", "overdue", "written off"), (70, 14, 12, 4))[0],
        )
        for n, visit in enumerate(rng.sample(billed, int(len(billed) * 0.8)), 1)
    ]


def _working_days(year: int) -> list[date]:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    return [day for day in days if day.weekday() < len(WEEKDAYS)]
