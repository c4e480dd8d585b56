"""Scripts for a model that plans and reads. They know the slots of a reply by what they offer, not by prompts."""

from collections.abc import Callable, Sequence

from rlm_local.models import Prompt
from tests.models.fakes import ScriptedModel


def planner(
    *wishes: str, reads: str | None = None, judged: str = "", verdict: Callable[[Prompt], str] = lambda _prompt: "no"
) -> ScriptedModel:
    """A model that takes the wished option of each slot that has one, and of the others the last: to go on.

    Args:
        wishes: options as they are offered, without "where: " and outer spaces; of several that fit, the first wins.
        reads: what it reads in any passages; None: they do not say.
        judged: the question that a plan puts to each item; empty: none.
        verdict: the option that leaf calls choose.
    """

    def slot(_prompt: Prompt, text: str, options: Sequence[str]) -> str:
        plain = [option.strip().removeprefix("where:").strip() for option in options]
        if plain == ["yes", "no"]:
            return options[reads is None]
        if plain == ["sentences:", "answer:"]:
            return options[1]
        if plain == ["none", '"']:
            return options[bool(judged)]
        wished = [options[plain.index(wish)] for wish in wishes if wish in plain]
        return wished[0] if wished else options[0 if plain[0] == "1" else -1]

    def write(prompt: Prompt, _text: str) -> str:
        return judged if prompt.prefill == "op:" else f" {reads}"

    return ScriptedModel(slot=slot, write=write, choose=lambda prompt, _options: verdict(prompt))


def talker(meant: str, *wishes: str) -> ScriptedModel:
    """A planner that writes out every follow-up as what is meant."""
    model = planner(*wishes)
    slot, write = model.slot, model.write
    model.slot = lambda p, t, o: o[1] if p.prefill == "alone:" else slot(p, t, o)
    model.write = lambda p, t: f" {meant}" if p.prefill == "alone:" else write(p, t)
    return model
