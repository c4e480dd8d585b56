"""Fit: whether a model can run here, known before it is fetched or loaded, and which model could run instead."""

from dataclasses import dataclass
from typing import NoReturn

from rlm_local.models.catalog import CATALOG, LADDER, ModelSpec
from rlm_local.models.errors import LoadError
from rlm_local.models.memory import Needs, Room, gigabytes

_ACTIVE_PER_CORE = 600_000_000
"""The most bytes of weights per processor core that a recommended model reads for a token. With two cores, the default
model writes some 20 to 30 tokens a second, and a recommended model should not be slower."""


@dataclass(frozen=True)
class Fit:
    """A model of the catalog on this machine.

    Attributes:
        fits: whether it runs at all.
        context: tokens of the context that it would get; 0 if it does not fit.
        fast: whether it is about as fast as the default model on two cores.
    """

    fits: bool
    context: int
    fast: bool


def needs_of(spec: ModelSpec) -> Needs:
    """What a model needs, by its description; for a file of the user's own, only the size of the weights is known."""
    return Needs(spec.bytes, spec.cell_bytes, spec.context)


def fit(spec: ModelSpec, room: Room) -> Fit:
    """How a model fits in this room."""
    needs = needs_of(spec)
    fits = room.holds(needs)
    fast = room.on_devices(needs) or (spec.active or spec.bytes) <= _ACTIVE_PER_CORE * room.cores
    return Fit(fits, room.context(needs) if fits else 0, fast)


def recommended(room: Room) -> ModelSpec:
    """The ablest model that fits and is fast enough here; if none is, the smallest."""
    rungs = [spec for name in LADDER for spec in CATALOG if spec.name == name]
    able = [spec for spec in rungs if (found := fit(spec, room)).fits and found.fast]
    return able[-1] if able else rungs[0]


def check_memory(name: str, needs: Needs, room: Room, context: int | None = None) -> None:
    """Refuse a model that does not fit.

    Raises:
        LoadError: it does not fit; the message says how much memory is missing, and which model would fit.
    """
    wanted = needs.least if context is None else needs.bytes(context)
    if room.bytes is None or wanted <= room.bytes:
        return
    remedies = ["close something"]
    if fitting := [spec for spec in CATALOG if fit(spec, room).fits]:
        remedies.insert(0, f"use --model {max(fitting, key=lambda spec: spec.bytes).name}, which fits")
    if context is not None and needs.least <= room.bytes:
        remedies.insert(0, f"give a smaller --context, such as {room.context(needs)}")
    what = f"{name} with a context of {context:,} tokens" if context else name
    remedy = ", or ".join(remedies)
    raise LoadError(
        f"{what} takes some {gigabytes(wanted)} of memory, and {gigabytes(room.bytes)} are free here",
        remedy=remedy[0].upper() + remedy[1:],
    )


def refuse(name: str, architecture: str) -> NoReturn:
    """Refuse a model whose layers carry a state from token to token, and say why.

    Raises:
        LoadError: always.
    """
    raise LoadError(
        f"{name} is of the architecture {architecture}, in which layers carry a state from token to token; it cannot "
        "be cut back to what two prompts have in common, so answers would be wrong without a word",
        remedy="Use a model that looks back at all tokens: `rlm-local models list` has some of each size",
    )
