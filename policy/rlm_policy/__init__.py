"""When to recurse: the decision at a node, explicit, priced and logged. Imports nothing else of the project."""

from rlm_policy.action import Action
from rlm_policy.decision import Decision
from rlm_policy.rules import Rules
from rlm_policy.state import State

__all__ = ["Action", "Decision", "Rules", "State"]
