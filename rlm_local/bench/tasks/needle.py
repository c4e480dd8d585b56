"""One sentence in a haystack: S-NIAH of RULER (Hsieh et al., arXiv 2404.06654), in prose of our own."""

from random import Random

from rlm_local.bench.tasks.made import Made
from rlm_local.bench.tasks.prose import documents, paragraphs

CHARACTERS_PER_TOKEN = 5.0

_ADJECTIVES = "amber brisk coral dusky eager faded gentle hollow icy jolly keen lively mellow narrow opal proud".split()
_NOUNS = "anchor basket candle dagger engine feather garnet hammer island jacket kettle lantern magnet needle".split()


def make(characters: int, rng: Random) -> Made:
    """A key and seven digits at an even depth, from the first paragraph to the last."""
    key = f"{rng.choice(_ADJECTIVES)}-{rng.choice(_NOUNS)}"
    value = str(rng.randrange(1_000_000, 10_000_000))
    needle = f"One of the special magic numbers for {key} is: {value}."
    texts = list(paragraphs(rng, characters - len(needle)))
    place = rng.randrange(len(texts))
    texts[place] = f"{texts[place]} {needle}"
    question = f"What is the special magic number for {key} that the text mentions?"
    return Made(documents(texts), question, "text", value)
