"""Search: the passages that match some phrases best, with a bound on how many are ranked."""

import json
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Any

from rlm_local.collection.values import Ask

_WEIGHTS = "bm25(2.0, 1.5, 1.0)"
"""Weights of title, heading and text."""
MOST_RANKED = 200_000
"""How many passages a search ranks, at about a microsecond each; a collection of less than 180 MB has fewer."""


def ranked(
    ask: Ask, wanted: Sequence[str], k: int, documents: Collection[int] | None, most: int
) -> Sequence[tuple[Any, ...]]:
    """Rows of passages, best first: id, document, its name and title, heading, place, start, end, text, rank.

    Args:
        wanted: FTS5 phrases.
        documents: ids of the documents to search; None for all.
        most: see `Collection.search`.
    """
    if not wanted or k < 1:
        return []
    within = None if documents is None else json.dumps(list(documents))
    first, last = _extent(ask, within)
    match = _rarest(ask, wanted, first, last, most)
    if not match:
        match = wanted[0]
        if within is None:
            ((last,),) = ask("SELECT rowid FROM search WHERE search MATCH ? LIMIT 1 OFFSET ?", (match, most))
    values: list[object] = [match, _WEIGHTS, first, last]
    inside = ""
    if within is not None:  # the "+" keeps SQLite from querying the index again for each of these passages
        inside = "AND +search.rowid IN (SELECT id FROM passage WHERE document IN (SELECT value FROM json_each(?)))"
        values.append(within)
    return ask(
        'SELECT p.id, p.document, d.name, d.title, p.heading, p.place, p.start, p."end", p.text, s.rank FROM'
        " (SELECT rowid, rank FROM search WHERE search MATCH ? AND rank MATCH ? AND search.rowid BETWEEN ? AND ?"
        f" {inside} ORDER BY rank LIMIT ?) s"
        " JOIN passage p ON p.id = s.rowid JOIN document d ON d.id = p.document ORDER BY s.rank, p.id",
        (*values, k),
    )


def _extent(ask: Ask, within: str | None) -> tuple[int, int]:
    """The first and the last passage of some documents, given by their ids as JSON; None for all."""
    if within is None:
        ((first, last),) = ask("SELECT min(id), max(id) FROM passage", ())
    else:
        ((first, last),) = ask(
            "SELECT min((SELECT min(id) FROM passage WHERE document = value)),"
            " max((SELECT max(id) FROM passage WHERE document = value)) FROM json_each(?)",
            (within,),
        )
    return first or 0, last or 0


def _rarest(ask: Ask, wanted: Sequence[str], first: int, last: int, most: int) -> str:
    """An FTS5 query for the phrases that few enough of these passages have, rarest first; empty if none is rare.

    Phrases that stand nearly everywhere tell nothing, and would take most of the time of a search.
    """
    if last - first < most:
        return " OR ".join(wanted)
    counts: dict[str, int] = {}
    for phrase in wanted:
        many = counts.get(phrase.removesuffix("*"), 0)  # at least as many passages have a word that begins with it
        if many <= most:
            some = "SELECT 1 FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?"
            ((many,),) = ask(f"SELECT count(*) FROM ({some})", (phrase, first, last, most + 1))
        counts[phrase] = many
    rare = sorted(wanted, key=counts.__getitem__)
    upto = sum(total <= most for total in accumulate(map(counts.__getitem__, rare)))
    return " OR ".join(rare[:upto])
