"""The staff handbook, one Markdown file a chapter, with a few facts that stand nowhere else."""

import textwrap
from dataclasses import dataclass

from making.phrases import bank, render
from making.world import SITES, Physician, World, rng_for

COPPER_HERON = (
    "When the alarm company rings back after a false alarm, the duty desk answers with the words copper heron, and "
    "with nothing else before them."
)
LINEN = "Linen from the isolation room is tied with green string before it goes down, so that nobody opens it by hand."
TAPE = (
    "The tape of the last Friday of the quarter is taken to the vault of the Guildhall and stays there for nine years."
)


@dataclass(frozen=True)
class Handbook:
    files: dict[str, str]
    key_keeper: Physician  # has the spare key of the medicine cupboard in Tarnwick
    countersigner: Physician  # of instalment agreements
    confidant: Physician  # empties the confidential letter box


def make_handbook(world: World) -> Handbook:
    rng = rng_for("handbook")
    key_keeper, countersigner, confidant = rng.sample(world.physicians, 3)
    facts = {
        "False alarms": COPPER_HERON,
        "Linen": LINEN,
        "Backups": TAPE,
        "Cupboard keys": f"The spare key to the medicine cupboard in Tarnwick is carried by Dr {key_keeper.name}.",
        "Instalments": f"Every instalment agreement is countersigned by Dr {countersigner.name}, whatever the sum.",
        "Grievances": f"Only Dr {confidant.name} empties the confidential letter box.",
    }
    files: dict[str, str] = {}
    for chapter in [section for section in bank("handbook") if section != "sentence"]:
        number, title = chapter.split(" ", 1)
        parts = [f"# {number}. {title}"]
        for topic in bank("handbook")[chapter]:
            heading, thing = topic.split(": ")
            sentences: list[str] = []
            for sentence in rng.sample(bank("handbook")["sentence"], rng.randint(11, 15)):
                slots = {
                    "thing": thing,
                    "Thing": thing[0].upper() + thing[1:],
                    "site": rng.choice(SITES),
                    "room": str(rng.randint(101, 399)),
                    "form": f"H{number}-{rng.randint(10, 89)}",
                    "hours": str(rng.choice((12, 24, 36, 48, 72))),
                    "weeks": str(rng.choice((2, 3, 4, 6))),
                    "years": str(rng.choice((2, 3, 5, 8, 10))),
                }
                sentences.append(render(rng, sentence, slots))
            if heading in facts:
                sentences.insert(rng.randint(2, len(sentences) - 2), facts[heading])
            cut = rng.randint(4, 6)
            paragraphs = (" ".join(sentences[:cut]), " ".join(sentences[cut:]))
            parts += [f"## {heading}", *(textwrap.fill(paragraph, 100) for paragraph in paragraphs)]
        slug = title.lower().replace(" ", "-")
        files[f"records/handbook/{number}-{slug}.md"] = "\n\n".join(parts) + "\n"
    return Handbook(files, key_keeper, countersigner, confidant)
