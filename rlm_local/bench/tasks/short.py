"""A note that fits into one call, and a question that one of its sentences answers."""

from random import Random

from rlm_local.bench.tasks.made import Made
from rlm_local.bench.tasks.prose import sentence

CHARACTERS_PER_TOKEN = 4.83

_THINGS = (
    "ladder", "spare fuse box key", "first-aid box", "projector", "coffee machine", "bicycle pump", "label printer",
    "fire blanket", "guest book", "megaphone", "tarpaulin", "sack truck",
)  # fmt: skip
_PLACES = (
    "behind the stage", "in the cellar", "under the stairs", "in the blue cupboard", "beside the side door",
    "in the attic", "on the top shelf of the pantry", "in the garage", "next to the boiler", "in room 12",
)  # fmt: skip
_NAMES = "Mirela Tomas Odile Henrik Zofia Marek Ines Jonas Petra Anselm Lucia Bertil".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def make(characters: int, rng: Random) -> Made:
    """Who checks a thing, on which day, and where it is kept, for six things, among sentences of no use."""
    things = rng.sample(_THINGS, 6)
    places, names = rng.sample(_PLACES, 6), rng.sample(_NAMES, 6)
    days = [rng.choice(_DAYS) for _ in things]
    facts = [
        f"The {thing} is kept {place}; {name} checks it every {day}."
        for thing, place, name, day in zip(things, places, names, days, strict=True)
    ]
    sentences = list(facts)
    left = characters - sum(len(fact) + 1 for fact in facts)
    while left > 0:
        sentences.append(sentence(rng))
        left -= len(sentences[-1]) + 1
    rng.shuffle(sentences)
    asked = rng.randrange(6)
    question, answer, accept = rng.choice(
        (
            (f"Where is the {things[asked]} kept?", places[asked], (places[asked].split(" the ")[-1],)),
            (f"Who checks the {things[asked]}?", names[asked], ()),
            (f"On which day of the week is the {things[asked]} checked?", days[asked], (f"{days[asked]}s",)),
        )
    )
    return Made({"note.txt": " ".join(sentences) + "\n"}, question, "text", answer, accept)
