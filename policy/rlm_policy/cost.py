"""What an action is expected to cost, estimated from the state alone."""

from dataclasses import dataclass

from rlm_policy.action import Action
from rlm_policy.state import State

_PROGRAM_TOKENS = 300
"""The question's own part of the prompt, and the program: the rest of the prompt is cached from earlier questions."""

_READ_TOKENS = 1_300
"""The passages of one reading."""

_PART_TOKENS = 2_000
"""What a child is given at a time."""

_CALL_TOKENS = 16
"""A leaf call, without the item that it is about."""


@dataclass(frozen=True)
class Cost:
    """Tokens that are evaluated or generated, and calls of the model."""

    tokens: int
    calls: int


def expected_costs(state: State) -> dict[Action, Cost]:
    """What each action would cost in this state; an action that is not open is absent.

    ANSWER is open if the view fits in the window. RECURSE is open if there is depth left; for a child, only if its own
    view does not fit. Without tables, a MAP asks about each document. Children together read the whole view, and each
    writes one program.
    """
    costs = {Action.SEARCH: Cost(_PROGRAM_TOKENS + _READ_TOKENS, 2)}
    if state.fits:
        costs[Action.ANSWER] = Cost(state.context_tokens, 1)
    items, tokens = (state.items, state.items_tokens) if state.items else (state.documents, state.context_tokens)
    costs[Action.MAP] = Cost(_PROGRAM_TOKENS + tokens + items * _CALL_TOKENS, 1 + items)
    if state.depth_left and not (state.depth and state.fits):
        children = max(2, state.context_tokens // _PART_TOKENS)
        costs[Action.RECURSE] = Cost(_PROGRAM_TOKENS * (1 + children) + state.context_tokens, 1 + 2 * children)
    return costs
