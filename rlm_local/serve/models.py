"""What a request may name as its model: one that is here, or this server's own, with a policy behind a colon or not.

rlm-local                 the server's model under the server's policy
rlm-local:conservative    the same at another price
rlm-local:direct          the server's model, asked once, for comparison
smollm2-135m:prompted     another model that is here, under another policy
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rlm_local.home import Home
from rlm_local.models import CATALOG, resolve
from rlm_local.serve.errors import NotFoundError
from rlm_local.serve.settings import Settings
from rlm_policy import Dial

OWN = "rlm-local"


@dataclass(frozen=True)
class ServedModel:
    """A name that a request may give, and what it stands for: a model, and options of `Engine.ask`."""

    name: str
    model: str
    options: dict[str, Any]


_POLICIES = ("rules", "prompted", "recurse", "direct")


def _behind_the_colon(settings: Settings) -> dict[str, dict[str, Any]]:
    """Policies, and prices for the server's own, with the options of `Engine.ask` that they mean."""
    prices = {str(dial): {"policy": settings.policy, "price": str(dial)} for dial in Dial}
    return {**{policy: {"policy": policy} for policy in _POLICIES}, **prices}


def served(settings: Settings, home: Home) -> list[ServedModel]:
    """All names that may be given: of models that are here."""
    return list(_served(settings, home))


def find(name: str, settings: Settings, home: Home) -> ServedModel:
    """What a name stands for.

    Raises:
        NotFoundError: nothing; says what there is.
    """
    names = {model.name: model for model in _served(settings, home)}
    if name not in names:
        raise NotFoundError(
            f"there is no model {name!r}",
            remedy=f"There are {', '.join(names)}",
            code="model_not_found",
            param="model",
        )
    return names[name]


def _served(settings: Settings, home: Home) -> Iterator[ServedModel]:
    own = resolve(settings.model)
    here = [spec.name for spec in CATALOG if (home.models / f"{spec.name}.gguf").is_file() and spec.name != own.name]
    for shown, model in ((OWN, settings.model), (own.name, settings.model), *zip(here, here, strict=True)):
        yield ServedModel(shown, model, {"policy": settings.policy, "price": settings.price})
        for policy, options in _behind_the_colon(settings).items():
            yield ServedModel(f"{shown}:{policy}", model, options)
