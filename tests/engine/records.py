"""A few small records, of which every test knows what is in them."""

from collections.abc import Mapping
from functools import cache

from rlm_local.collection import Collection
from rlm_local.collection.view import View

_VISITS = (
    ("Ada Brunner", "Surgery", "done", 120.5, "2024-01-10"),
    ("Ben Okafor", "Surgery", "cancelled", 80, "2024-02-11"),
    ("Ada Brunner", "Imaging", "done", 60, "2024-03-12"),
    ("Cleo Marsh", "Imaging", "done", 75.5, "2024-03-13"),
    ("Dan Vogel", "Surgery", "done", 200, "2024-04-14"),
    ("Ben Okafor", "Imaging", "cancelled", 60, "2024-05-15"),
    ("Cleo Marsh", "Surgery", "done", 99, "2024-05-16"),
    ("Eva Lind", "Therapy", "done", 45, "2024-06-17"),
    ("Dan Vogel", "Therapy", "cancelled", 45, "2024-06-18"),
    ("Eva Lind", "Therapy", "done", 50, "2024-07-19"),
)

VISITS = "visit_id,patient,department,status,cost,day\n" + "".join(
    f"V-{number:03},{','.join(map(str, visit))}\n" for number, visit in enumerate(_VISITS)
)

DOCUMENTS = {
    "visits.csv": VISITS,
    "notes/fall.txt": "The patient fell in the corridor on Tuesday.\n\nNurse Holm found her and called the doctor.\n",
    "notes/roof.txt": "The roof of the old wing was repaired by Karsten and Sons.\n",
}


def view_of(documents: Mapping[str, str]) -> View:
    """A collection of texts, of which there is one for all tests; what is on the disk goes away with the process."""
    return _kept(tuple(documents.items()))


@cache
def _kept(documents: tuple[tuple[str, str], ...]) -> View:
    return View(Collection.of(dict(documents)))


def records() -> View:
    return view_of(DOCUMENTS)
