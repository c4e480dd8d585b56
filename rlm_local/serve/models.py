"""What a request may name as its model: one that is here, or this server's own, with a policy behind a colon or not.

rlm-local                 the server's model under the server's policy
rlm-local:conservative    the same at another price
rlm-local:adapter         the policy that is promoted when the run begins; a trained policy's name means that one
rlm-local:direct          the server's model, asked once, for comparison
smollm2-135m:prompted     another model that is here, under another policy
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rlm_local.engine.trained import PROMOTED
from rlm_local.home import Home
from rlm_local.models import CATALOG, OwnModels, resolve
from rlm_local.serve.errors import NotFoundError
from rlm_local.serve.settings import Settings
from rlm_policy import Dial, Policies

OWN = "rlm-local"


@dataclass(frozen=True)
class ServedModel:
    """A name that a request may give, and what it stands for: a model, and options of `Engine.ask`."""

    name: str
    model: str
    options: dict[str, Any]


_POLICIES = ("rules", "prompted", "recurse", "direct")


def _behind_the_colon(settings: Settings, home: Home) -> dict[str, dict[str, Any]]:
    """Policies, and prices for the server's own, with the options of `Engine.ask` that they mean."""
    trained = Policies(home.policies).names()
    names = (*_POLICIES, *((PROMOTED, *trained) if trained else ()))
    prices = {str(dial): {"policy": settings.policy, "price": str(dial)} for dial in Dial}
    return {**{policy: {"policy": policy} for policy in names}, **prices}


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
    pulled = OwnModels(home.models).all()
    own = resolve(settings.model, pulled)
    known = (*CATALOG, *pulled)
    here = [spec.name for spec in known if (home.models / f"{spec.name}.gguf").is_file() and spec.name != own.name]
    behind = _behind_the_colon(settings, home)
    for shown, model in ((OWN, settings.model), (own.name, settings.model), *zip(here, here, strict=True)):
        yield ServedModel(shown, model, {"policy": settings.policy, "price": settings.price})
        for policy, options in behind.items():
            yield ServedModel(f"{shown}:{policy}", model, options)
