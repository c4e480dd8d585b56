"""Functions of SQL that a model answers, as the cell runs them.

The host says which queries gather the texts of each call. These run here; the texts are counted, priced and answered in
one batch each; and when all is answered, the query itself runs, its semantic functions looking the answers up by the
text. Where the price does not fit, one number over many rows is estimated from a sample, and a list is looked through
as far as it goes; both are said. Anything else is refused with its price, before anything is asked.
"""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .errors import SqlError
from .estimate import Estimate, Stratum, draw, mean, shuffled, total

FUNCTIONS = ("judge", "classify", "extract", "answer")
_MENTIONED = re.compile(rf"\b(?:{'|'.join(FUNCTIONS)})\s*\(", re.IGNORECASE)
_MOST = 4_000_000  # characters of the texts in one call of the host, which as JSON may take several times as many bytes
_FEWEST = 30  # rows of a sample that says anything
_ENOUGH = 600  # rows of a sample: a share is known to 0.04 by them

HostCall = Callable[..., Any]
Question = tuple[str, tuple[str, ...]]
"""A semantic function and its constants."""


def mentioned(query: str) -> bool:
    """Whether a query may have semantic calls."""
    return _MENTIONED.search(query) is not None


class Semantic:
    """What has been answered, and how to have more answered.

    Args:
        call: the host call.
        select: all rows of a query, however many.
        say: told what a result does not show.
    """

    def __init__(
        self, call: HostCall, select: Callable[..., list[tuple[Any, ...]]], say: Callable[[str], object]
    ) -> None:
        self._call, self._select, self._say = call, select, say
        self._known: dict[Question, dict[str, Any]] = {}

    def value(self, function: str, text: Any, *constants: Any) -> Any:
        """What SQL sees: the answer, NULL where there is none.

        Raises:
            SqlError: it is of a question that nobody has been asked: a query that could not be prepared.
        """
        labels = tuple(map(str, constants))
        if function == "classify" and len(labels) == 1:
            labels = tuple(label.strip() for label in labels[0].split(",") if label.strip())
        known = self._known.get((function, labels))
        if known is None:
            raise SqlError(f"{function}() cannot be answered here: write a plain SELECT with its constants in quotes")
        return None if text is None else known.get(str(text))

    def answer(self, query: str) -> "tuple[str, dict[str, float]] | None":
        """Have a query's calls answered: the query that is to be run then, and its parameters; None where it has no
        semantic calls.

        Raises:
            SqlError: it costs more than is left. What the host refuses is raised as the host call raises it.
        """
        plan = self._call("semantic_plan", query=query)
        if plan is None:
            return None
        for call in plan["gathers"]:
            self._known.setdefault(_question(call), {})
        for gather in plan["gathers"]:
            question = _question(gather)
            texts = self._unknown(question, self._texts(gather, plan["aggregate"]))
            priced = self._price(question, texts)
            whole = priced["fits"] == len(texts)
            done = self._ask(question, texts) if whole or plan["partial"] else 0
            if done == len(texts):
                continue
            if plan["aggregate"]:
                try:
                    return self._estimated(plan["aggregate"], priced)
                except (ArithmeticError, ValueError) as error:
                    raise SqlError(f"its number cannot be estimated from a sample: {error}") from None
            if not plan["partial"] or not done:
                raise self._too_much(question, len(texts), done, priced)
            self._unseen(question, len(texts), done)
            self._say(f"[sql: {question[0]}() looked at the first {done:,} of {len(texts):,} texts]")
        return query, {}

    def _texts(self, gather: Mapping[str, Any], aggregate: Mapping[str, Any] | None) -> Iterable[Any]:
        """The texts that a call is to be asked about. Those of a number are in the order of a sample of its rows: if
        there turns out to be no time for all, the first ones are one."""
        if not aggregate or len(aggregate["calls"]) > 1:
            return (row[0] for row in self._select(gather["query"]))
        rows = self._select(aggregate["rows"])
        return (rows[row][2] for row in shuffled(range(len(rows)), len(rows)))

    # ---- asking

    def _unknown(self, question: Question, values: Iterable[Any]) -> list[str]:
        """The distinct texts that this has not been answered for, in order."""
        known = self._known[question]
        return [
            text for text in dict.fromkeys(str(value) for value in values if value is not None) if text not in known
        ]

    def _price(self, question: Question, texts: Sequence[str]) -> dict[str, Any]:
        """`price`, `room`, how many of the texts fit, and the load, which is above 1 where not all do. More than can be
        handed over at once cannot be paid."""
        if not texts:
            return {"price": 0, "room": 0, "fits": 0, "load": 0.0}
        first = _first(texts)
        priced = self._call("semantic_price", function=question[0], constants=question[1], texts=texts[:first])
        more = len(texts) / first
        return priced | {"price": round(priced["price"] * more), "load": priced["load"] * more}

    def _ask(self, question: Question, texts: Sequence[str]) -> int:
        """Ask about the texts, in order, as far as that goes: how many were answered."""
        done = 0
        while done < len(texts):
            part = texts[done : done + self._price(question, texts[done:])["fits"]]
            if not part:
                break
            values: list[Any] = self._call("semantic_ask", function=question[0], constants=question[1], texts=part)
            if not values:
                break
            self._known[question].update(zip(part, values, strict=False))
            done += len(values)
        return done

    # ---- estimating

    def _estimated(self, aggregate: Mapping[str, Any], priced: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
        """The query with its number from a sample of the rows."""
        rows, questions = self._select(aggregate["rows"]), list(map(_question, aggregate["calls"]))

        def known(row: int) -> bool:
            return all(
                text is None or str(text) in self._known[question]
                for question, text in zip(questions, rows[row][2:], strict=True)
            )

        strata, drawn, weights = self._drawn(rows, questions, known)
        if len(drawn) < _FEWEST:
            raise self._too_much(questions[0], len(rows), 0, priced)
        for place, question in enumerate(questions, start=2):
            self._ask(question, self._unknown(question, (rows[row][place] for row in drawn)))
        seen = set(itertools.takewhile(known, drawn))
        strata = [replace(each, drawn=[row for row in each.drawn if row in seen]) for each in strata]
        if len(seen) < _FEWEST or not all(each.drawn for each in strata):
            raise self._too_much(questions[0], len(rows), len(seen), priced)
        answered = self._select(aggregate["rows"])
        values = {row: _number(answered[row][0]) for row in seen}
        if aggregate["kind"] == "total":
            found = total(strata, {row: value or 0 for row, value in values.items()}, weights, len(rows))
        else:
            found = mean([value for value in values.values() if value is not None], len(seen), len(rows))
        if found is None:
            raise SqlError(f"of {len(seen):,} rows that were looked at, too few count for a mean")
        if aggregate["kind"] == "total" and all(value in (0, 1) for value in values.values()):
            found = replace(found, value=round(found.value), low=round(found.low), high=round(found.high))
        self._tell(aggregate, found)
        return aggregate["result"], {"estimate": found.value, "rows": len(rows)}

    def _drawn(
        self, rows: Sequence[tuple[Any, ...]], questions: Sequence[Question], known: Callable[[int], bool]
    ) -> tuple[list[Stratum], list[int], list[float] | None]:
        """A sample of as many rows as may be asked about: its strata, its rows in the order in which to ask, and the
        weights by which it is drawn, if any. At least it is of what is known already."""
        seed, weights = len(rows), _weights(rows)
        free = list(itertools.takewhile(known, shuffled(range(len(rows)), seed)))
        size = max(_ENOUGH, len(free))
        while size >= max(_FEWEST, len(free)):
            strata = draw(len(rows), size, weights, seed)
            drawn = [row for each in strata for row in each.drawn]
            texts = (
                (question, self._unknown(question, (rows[row][place] for row in drawn)))
                for place, question in enumerate(questions, start=2)
            )
            load = sum(self._price(*each)["load"] for each in texts)
            if load <= 1:
                return strata, drawn if weights is None else shuffled(drawn, seed), weights
            size = min(size - 1, int(len(drawn) / load))
        return [Stratum(range(len(rows)), free)], free, None

    def _too_much(self, question: Question, texts: int, done: int, priced: Mapping[str, Any]) -> SqlError:
        """What is raised where too little could be looked at; the host is told, too."""
        self._unseen(question, texts, done)
        return SqlError(
            f"{question[0]}() would read {texts:,} texts, some {priced['price']:,} tokens, and {priced['room']:,} may "
            "be spent: leave out rows by plain conditions first"
        )

    def _unseen(self, question: Question, texts: int, done: int) -> None:
        self._call("semantic_note", what={"unseen": {"function": question[0], "looked_at": done, "texts": texts}})

    def _tell(self, aggregate: Mapping[str, Any], found: Estimate) -> None:
        """Say what the result comes to, at its least and most."""
        low, value, high = (
            self._select(aggregate["result"], {"estimate": number, "rows": found.rows})[0][0]
            for number in (found.low, found.value, found.high)
        )
        self._say(
            f"[sql: estimated from {found.sampled:,} of {found.rows:,} rows: {_shown(value)}, most likely between "
            f"{_shown(low)} and {_shown(high)}]"
        )
        self._call("semantic_note", what={"estimate": asdict(found) | {"value": value, "low": low, "high": high}})


def _question(call: Mapping[str, Any]) -> Question:
    return call["function"], tuple(call["constants"])


def _first(texts: Sequence[str]) -> int:
    """How many of the texts can be handed over at once."""
    room = _MOST
    for number, text in enumerate(texts):
        room -= len(text)
        if room < 0:
            return max(1, number)
    return len(texts)


def _weights(rows: Sequence[tuple[Any, ...]]) -> list[float] | None:
    """What each row can add at most, where the query says that."""
    weights: list[float] = [row[1] if isinstance(row[1], int | float) else 0 for row in rows]
    if not math.isfinite(sum(map(abs, weights))):
        raise OverflowError("the sum is too large")
    return weights if any(weights) else None


def _number(value: Any) -> float | None:
    """What SUM and AVG make of a value: of a text the number that it is, else 0."""
    if value is None or isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else 0.0
    except ValueError:
        return 0.0


def _shown(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
