"""Prose about nothing in particular, as much of it as wanted: what needles are hidden in."""

from collections.abc import Iterator
from random import Random

_WHO = (
    "the harbour master", "an old gardener", "the night porter", "our neighbour", "the younger clerk",
    "a travelling choir", "the ferry crew", "the librarian", "a group of walkers", "the baker's daughter",
    "the lighthouse keeper",
    "a retired teacher", "the orchard owner", "the council", "a visiting painter", "the stable hand",
)  # fmt: skip
_DID = (
    "walked past", "spoke for an hour about", "had never liked", "wrote a long letter about", "was asked to look after",
    "made careful drawings of", "waited all morning beside", "could not stop thinking of", "told everybody about",
    "forgot the way to", "sat down in front of", "wanted to repaint", "dreamed of", "counted the windows of",
)  # fmt: skip
_WHAT = (
    "the stone bridge", "the empty market hall", "the weir below the mill", "the long meadow", "the bell tower",
    "the row of poplars", "the path along the river", "the boat sheds", "the glasshouse", "the upper reservoir",
    "the school at the crossroads", "the ruined chapel", "the tram depot", "the cherry orchard",
    "the old customs house",
)  # fmt: skip
_WHEN = (
    "before the rain came", "while the others slept", "on the last warm evening of the year", "as the fog lifted",
    "when the shops had closed", "long after supper", "in the quiet weeks of winter", "and nobody minded",
    "although it was late", "because there was time", "as they had done every spring", "and then went home",
)  # fmt: skip
_SENTENCES = 5
_PARAGRAPHS_A_DOCUMENT = 40


def sentence(rng: Random) -> str:
    """One sentence, without the space after it."""
    who, did, what, when = rng.choice(_WHO), rng.choice(_DID), rng.choice(_WHAT), rng.choice(_WHEN)
    return f"{who[0].upper()}{who[1:]} {did} {what} {when}."


def paragraphs(rng: Random, characters: int) -> Iterator[str]:
    """Paragraphs of a few sentences, together this long with a blank line after each; the last one ends earlier."""
    left = characters
    while left > 0:
        made = " ".join(sentence(rng) for _ in range(_SENTENCES)) if left > _SENTENCES * 60 else sentence(rng)
        yield made
        left -= len(made) + 2


def documents(texts: list[str]) -> dict[str, str]:
    """Paragraphs as numbered documents."""
    size = _PARAGRAPHS_A_DOCUMENT
    return {
        f"essays/{number:05}.txt": "\n\n".join(texts[start : start + size]) + "\n"
        for number, start in enumerate(range(0, len(texts), size), 1)
    }
