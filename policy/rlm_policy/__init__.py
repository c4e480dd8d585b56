"""When to recurse: the decision at a node, explicit, priced and logged. Imports nothing else of the project."""

from rlm_policy.action import Action
from rlm_policy.cost import Cost, expected_costs
from rlm_policy.decision import Decision
from rlm_policy.forced import Forced
from rlm_policy.price import Dial, price_biases
from rlm_policy.prompted import Prompted
from rlm_policy.rules import Rules
from rlm_policy.state import State

__all__ = [
    "Action",
    "Cost",
    "Decision",
    "Dial",
    "Forced",
    "Prompted",
    "Rules",
    "State",
    "expected_costs",
    "price_biases",
]
