"""Templates: what messages that say the same thing have in common, mined with Drain from words that are masked."""

import math
from collections import Counter
from collections.abc import Sequence
from operator import eq

from drain3.drain import Drain, LogCluster

from rlm_local.collection.formats.logs.parameter import WILD, Word, parameters

_ALIKE = 0.6
"""Share of their words that messages of one template have in common."""
_LEAF = 40
"""Templates that a message is compared with at most."""
_MOST = 1_500
_FEW = 5
"""Values from which on a word varies; below, it tells events apart ("opened", "closed")."""

Template = tuple[str, ...]
"""The words of a message, masked; WILD for one that varies."""


class _Miner(Drain):
    """Drain that compares a message with a bounded number of templates, and prefers one that it has already."""

    def fast_match(
        self,
        cluster_ids: Sequence[int],
        tokens: list[str],
        sim_th: float,
        include_params: bool,  # noqa: ARG002  of Drain
    ) -> LogCluster | None:
        """The template with the most words of `tokens`: one that has them all, else one that has enough of them."""
        best: tuple[bool, int] = (False, math.ceil(sim_th * len(tokens)) - 1)
        found: LogCluster | None = None
        for number in cluster_ids[:_LEAF]:
            cluster: LogCluster = self.id_to_cluster[number]
            template = cluster.log_template_tokens
            same = sum(map(eq, template, tokens))
            fits = same + template.count(WILD) >= len(tokens) and all(
                mine in (WILD, given) for mine, given in zip(template, tokens, strict=True)
            )
            if (fits, same) > best:
                best, found = (fits, same), cluster
        return found


class Templates:
    """The templates of one log, from a sample of its messages; later ones that have none of them make their own."""

    def __init__(self, sample: Sequence[Sequence[Word]]) -> None:
        self._miner = _Miner(sim_th=_ALIKE, param_str=WILD)
        self._settled: dict[int, Template] = {}
        self._constant: set[tuple[int, int]] = set()
        forms = {masked(words): words for words in sample}
        for form in forms:
            self._cluster(form)
        self._tell_constants(sample)
        self._settled.clear()

    def of(self, words: Sequence[Word]) -> Template | None:
        """The template of a message: always the same for messages that share one. None where there are too many."""
        cluster = self._cluster(masked(words))
        return self._template(cluster, words) if cluster else None

    def _template(self, cluster: LogCluster, words: Sequence[Word]) -> Template:
        number = cluster.cluster_id
        settled = self._settled.setdefault(number, tuple(cluster.log_template_tokens))
        return tuple(
            word.masked if token == WILD and (number, place) in self._constant else token
            for place, (token, word) in enumerate(zip(settled, words, strict=True))
        )

    def _cluster(self, form: str) -> LogCluster | None:
        if len(self._miner.id_to_cluster) < _MOST:
            return self._miner.add_log_message(form)[0]
        return self._miner.match(form)

    def _tell_constants(self, sample: Sequence[Sequence[Word]]) -> None:
        """A word that varies little, and that no name stands before, tells events apart and is no parameter."""
        values: dict[tuple[int, int], Counter[str]] = {}
        names: dict[tuple[int, int], str] = {}
        naming = {slot.name for words in sample for word in words for slot in word.slots if slot.name}
        for words in sample:
            cluster = self._cluster(masked(words))
            if cluster is None:
                continue
            for each in parameters(words, self._template(cluster, words)):
                if each.type == "value":
                    place = (cluster.cluster_id, each.place)
                    values.setdefault(place, Counter())[each.of(words)] += 1
                    names[place] = each.name
        varied = {place for place, seen in values.items() if len(seen) >= _FEW or 2 * len(seen) >= seen.total()}
        naming.update(names[place] for place in varied if names[place] and len(values[place]) >= _FEW)
        self._constant = {place for place in values if place not in varied and names[place] not in naming}


def masked(words: Sequence[Word]) -> str:
    """A message as Drain reads it."""
    return " ".join(word.masked for word in words)
