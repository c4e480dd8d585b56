"""Scripts for a model that writes programs and reads. They know the slots of a reply by what they offer."""

from collections.abc import Callable, Sequence

from rlm_local.engine.leaves import WANTED
from rlm_local.models import Prompt
from tests.models.fakes import ScriptedModel


def writer(
    program: str = "",
    *,
    reads: str | None = None,
    verdict: Callable[[Prompt], str] = lambda _prompt: "no",
    whether: bool = False,
) -> ScriptedModel:
    """A model that looks where its program does, or else in the text.

    Args:
        program: the SQL that it writes for any question; empty: none.
        reads: what it reads in any passages; None: they do not say.
        verdict: the option that leaf calls choose. Its own programs it finds right.
        whether: whether it finds that a question wants yes or no.
    """
    look = "each row" if "judge(" in program else "tables" if program else "text"

    def slot(_prompt: Prompt, _text: str, options: Sequence[str]) -> str:
        plain = [option.strip() for option in options]
        if plain == ["yes", "no"]:
            return options[reads is None]
        if plain == ["sentences:", "answer:"]:
            return options[1]
        return options[plain.index(look)] if look in plain else options[0]

    def reply(prompt: Prompt) -> str:
        return program if prompt.prefill.startswith("look:") else "a reply"

    def choose(prompt: Prompt, options: Sequence[str]) -> str:
        if tuple(options) == WANTED:
            return WANTED[whether]
        return "right" if "right" in options else verdict(prompt)

    return ScriptedModel(reply, slot=slot, write=lambda _prompt, _text: f" {reads}", choose=choose)


def talker(meant: str, program: str) -> ScriptedModel:
    """A writer that writes out every follow-up as what is meant."""
    model = writer(program)
    slot, write = model.slot, model.write
    model.slot = lambda p, t, o: o[1] if p.prefill == "alone:" else slot(p, t, o)
    model.write = lambda p, t: f" {meant}" if p.prefill == "alone:" else write(p, t)
    return model
