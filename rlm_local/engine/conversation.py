"""Conversation: a follow-up is rewritten into a question that stands alone, from what was asked and answered before.

A run knows of no other run, so "and in 2023?" means nothing to it. The model is asked, in one short call, whether the
question stands alone, and if not, to write it out. Code believes the result only if every number and name in it was
said before, and every number and name of the follow-up is still in it. However long a conversation is, the prompt has
only its last few turns, cut.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rlm_local.engine.batches import price_of, recorded
from rlm_local.engine.budget import Budget, Refused
from rlm_local.log import CallRecord, RunRecord, RunStore
from rlm_local.models import Cancel, Message, Model, Prompt, Usage
from rlm_local.models.errors import ModelError

TURNS = 3
"""How many turns the model is shown: what a follow-up refers to is seldom further back, and a question as understood
already contains what came before it."""

_CUT = 300
"""How many characters of a question, a program or an answer are shown."""

_LONGEST = 600
"""Characters of a follow-up; a longer question is taken to stand alone."""

_REPLY_TOKENS = 96
_STEM = 4
"""How many letters of two words are compared: endings differ."""

_SYSTEM = """\
You rewrite the last question of a conversation about a person's records. If it can be understood alone, it stands
alone. If it is a follow-up, write it as a standalone question in its own language: keep what still holds of the
questions before, put in what the follow-up changes or adds, and replace pronouns by what they stand for. Do not answer
it."""

_OPENING = "alone:"


@dataclass(frozen=True)
class Turn:
    """A question as it was understood, its answer, and the program that gave it; empty if there was none."""

    question: str
    answer: str = ""
    program: str = ""

    def shown(self) -> str:
        """The turn as the model sees it."""
        parts = (("Question", self.question), ("Program", self.program), ("Answer", self.answer))
        return "\n".join(f"{name}: {_cut(text)}" for name, text in parts if text.strip())


@dataclass(frozen=True)
class Understanding:
    """How a question was understood.

    Attributes:
        said: as the person wrote it.
        question: as it will be asked; the same if it stands alone or could not be rewritten.
        call: what the model was sent, its reply and its cost; None if the model was not asked.
    """

    said: str
    question: str
    call: CallRecord | None = None

    def data(self) -> dict[str, Any]:
        """Plain data, for the log."""
        return {"said": self.said, "call": asdict(self.call) if self.call else None}


def understand(model: Model, turns: Sequence[Turn], question: str, budget: Budget, cancel: Cancel) -> Understanding:
    """The question as it is meant after these turns, the oldest first.

    A first question is never changed, nor is one that is too long to be a follow-up. Nothing is raised: if there is no
    budget for it, or the model breaks or is cancelled, the question is taken as it is; the run will hit the same error.
    """
    question = question.strip()
    if not turns or len(question) > _LONGEST:
        return Understanding(question, question)
    before = "\n\n".join(turn.shown() for turn in turns[-TURNS:])
    prompt = _prompt(before, question)
    try:
        with budget.reserve(price_of(model, [prompt], _REPLY_TOKENS)) as receipt:
            try:
                written, call = _ask(model, prompt, cancel)
            except ModelError as error:
                receipt.tokens = error.usage
                return Understanding(question, question)
            receipt.calls = 1
            receipt.tokens = Usage(call.prompt_tokens - call.cached_tokens, call.cached_tokens, call.completion_tokens)
    except Refused:
        return Understanding(question, question)
    written = _with_its_number(written, question)
    return Understanding(question, written if _holds(written, before, question) else question, call)


def turns_until(store: RunStore, run_id: str | None) -> tuple[Turn, ...]:
    """The last turns of the conversation that ends with this run; a run that was deleted is where it begins."""
    turns = deque[Turn]()
    while run_id and len(turns) < TURNS and store.known([run_id]):
        record = store.get(run_id)
        turns.appendleft(turn_of(record))
        run_id = record.start.follows
    return tuple(turns)


def turn_of(record: RunRecord) -> Turn:
    """A run, however it ended, as a turn that a follow-up may refer to."""
    cells = record.nodes[0].turns if record.nodes else ()
    start = cells[-1].start if cells else None
    by_code = start is not None and start.plan is not None and start.plan.get("look") != "text"
    answer = record.answer.answer if record.answer else ""
    return Turn(record.start.question, answer, start.cell if start and by_code else "")


def _prompt(before: str, question: str) -> Prompt:
    return Prompt((*_FIXED, Message("user", _asked(before, question))), prefill=_OPENING, fixed=(len(_FIXED),))


def _asked(before: str, question: str) -> str:
    return f"{before}\n\nFollow-up: {' '.join(question.split())}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CUT else f"{line[: _CUT - 4]} ..."


def _ask(model: Model, prompt: Prompt, cancel: Cancel) -> tuple[str, CallRecord]:
    """The question as the model rewrites it, empty if it stands alone; and the call, for the log."""
    written = ""
    with model.cursor(prompt, cancel=cancel) as cursor:
        if cursor.choose([" yes\n", " no\n"]).index == 1:
            cursor.append("standalone:")
            written = cursor.write(stop=("\n",), max_tokens=_REPLY_TOKENS).strip()
        return written, recorded(prompt, (), {"text": cursor.text}, cursor.usage)


# ---- what code can tell of a question that was written out


def _with_its_number(written: str, question: str) -> str:
    """Puts the follow-up's only number in place of the only other one: the model may have kept the old year."""
    old, new = re.findall(r"\d+", written), re.findall(r"\d+", question)
    if len(old) == len(new) == 1 and old != new and len(old[0]) == len(new[0]):
        return written.replace(old[0], new[0])
    return written


def _holds(written: str, before: str, question: str) -> bool:
    """Whether the rewritten question has no number or name that was not said, and all those of the follow-up."""
    if not written:
        return False
    known, kept = _Said.of(f"{before}\n{question}"), _Said.of(written)
    new, asked = _Said.of(written, first=False), _Said.of(question, first=False)
    return (
        new.numbers <= known.numbers
        and asked.numbers <= kept.numbers
        and new.names <= known.words
        and asked.names <= kept.words
    )


@dataclass(frozen=True)
class _Said:
    """The numbers of a text, and the first letters of its words and of those that may be names."""

    numbers: frozenset[str]
    words: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, text: str, *, first: bool = True) -> "_Said":
        """What a text says. `first`: whether its first word, which has a capital anyway, may count as a name."""
        words = re.findall(r"[^\W\d_]+", text)
        names = [word for word in words[0 if first else 1 :] if word[0].isupper() and len(word) > 1]
        return cls(frozenset(re.findall(r"\d+", text)), _stems(words), _stems(names))


def _stems(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word.casefold()[:_STEM] for word in words)


# ---- worked cases


_CASES: tuple[tuple[tuple[Turn, ...], str, str], ...] = (
    (
        (
            Turn(
                "How many loans of the Hillside branch were overdue in March?",
                "212",
                "SELECT COUNT(*) FROM loans WHERE branch = 'Hillside' AND month = 3 AND overdue = 1",
            ),
        ),
        "and in April?",
        "How many loans of the Hillside branch were overdue in April?",
    ),
    (
        (Turn("Which play sold the most tickets last season?", "Winter Light"),),
        "Who directed it?",
        "Who directed Winter Light?",
    ),
    (
        (
            Turn("Welche Rezepte enthalten Roggenmehl?", "Landbrot, Schwarzbrot, Vinschgerl"),
            Turn("Wie lange muss das Landbrot ruhen?", "12 Stunden"),
        ),
        "Was kostet eine Lieferung von 25 kg Hefe?",
        "",
    ),
    (
        (Turn("How many trees did Tove Lindqvist fell?", "9"),),
        "and R. Aldous?",
        "How many trees did R. Aldous fell?",
    ),
    (
        (
            Turn(
                "Quels vélos ont été réparés en juin ?",
                "V-04, V-11, V-19",
                "SELECT velo FROM reparations WHERE mois = 6",
            ),
        ),
        "seulement ceux de l'atelier nord",
        "Quels vélos de l'atelier nord ont été réparés en juin ?",
    ),
    (
        (Turn("What is the average weight of the seals that were tagged in 2019?", "84.2"),),
        "per beach",
        "What is the average weight, per beach, of the seals that were tagged in 2019?",
    ),
    (
        (
            Turn("¿Quién firmó el contrato de la caldera?", "Ana Rubio"),
            Turn("¿Cuándo firmó Ana Rubio el contrato de la caldera?", "2021-05-04"),
        ),
        "¿Y el del ascensor?",
        "¿Cuándo firmó Ana Rubio el contrato del ascensor?",
    ),
    (
        (Turn("How many members does the choir have?", "64"),),
        "How many concerts were given in the town hall?",
        "",
    ),
    (
        (
            Turn("Wie viele Bienenvölker stehen in Holm?", "31"),
            Turn("Welches Bienenvolk in Holm gab den meisten Honig?", "Volk 17"),
        ),
        "und den wenigsten?",
        "Welches Bienenvolk in Holm gab den wenigsten Honig?",
    ),
    (
        (Turn("How many lamps were stolen from the quay?", "9", "SELECT COUNT(*) FROM lamps WHERE stolen = 1"),),
        "which ones?",
        "Which lamps were stolen from the quay?",
    ),
    (
        (
            Turn("Quantas garrafas do lote B7 foram devolvidas?", "18"),
            Turn("Qual cliente devolveu mais garrafas do lote B7?", "Casa Aldous"),
        ),
        "onde ele mora?",
        "Onde mora Casa Aldous?",
    ),
    (
        (Turn("What does the lease say about pets?", "Pets are allowed with the landlord's consent."),),
        "Who pays for the repair of the roof?",
        "",
    ),
    (
        (Turn("Which tenants paid late in 2020?", "Ana Rubio, R. Aldous, Tove Lindqvist"),),
        "how many of them live on the quay?",
        "How many of the tenants that paid late in 2020 live on the quay?",
    ),
    (
        (Turn("北館で一番古い絵はどれですか", "雪の港"),),
        "誰が描きましたか",
        "雪の港は誰が描きましたか",
    ),
)
"""(turns, what was said after them, what it means: empty if it stands alone)."""


def _fixed() -> tuple[Message, ...]:
    messages = [Message("system", _SYSTEM)]
    for turns, said, meant in _CASES:
        asked = _asked("\n\n".join(turn.shown() for turn in turns), said)
        reply = f"{_OPENING} no\nstandalone: {meant}" if meant else f"{_OPENING} yes"
        messages += [Message("user", asked), Message("assistant", reply)]
    return tuple(messages)


_FIXED = _fixed()
