"""Policies by the names that a person types."""

from rlm_policy.action import Action
from rlm_policy.fixed import Direct, Forced, Recurse
from rlm_policy.policy import Policy
from rlm_policy.price import Dial
from rlm_policy.prompted import Prompted
from rlm_policy.rules import Rules

NAMES = ("rules", "prompted", "direct", "recurse", "free", "forced:ACTION[,ACTION...]")


def named(name: str, price: float | None = None) -> Policy:
    """The policy of a name.

    Args:
        price: of a thousand tokens, in nats; None for the policy's own, which for fixed ones is nothing.

    Raises:
        ValueError: there is no such policy, or action.
    """
    rules = Rules(price=price or 0.0)
    match name.partition(":"):
        case ("rules", "", ""):
            return rules
        case ("prompted", "", ""):
            return Prompted(price=Dial.BALANCED.price if price is None else price)
        case ("direct", "", ""):
            return Direct()
        case ("recurse", "", ""):
            return Recurse(rules)
        case ("free", "", ""):
            return Prompted(price=0.0, name="free")
        case ("forced", ":", actions):
            return Forced(tuple(_action(text) for text in actions.split(",")), rules)
        case _:
            raise ValueError(f"there is no policy {name!r}; there are {', '.join(NAMES)}")


def _action(text: str) -> Action:
    try:
        return Action(text.strip().upper())
    except ValueError:
        raise ValueError(f"there is no action {text!r}; there are {', '.join(Action)}") from None
