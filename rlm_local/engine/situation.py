"""The state of a node, as a policy sees it."""

from collections.abc import Sequence
from dataclasses import replace

from rlm_local.collection.view import Shape, View
from rlm_local.engine.author import Turn
from rlm_local.engine.budget import Budget
from rlm_policy import State


def state_of(
    question: str,
    view: View,
    context_tokens: int,
    window_tokens: int,
    budget: Budget,
    depth: int = 0,
    turns: Sequence[Turn] = (),
) -> State:
    """The state of a node at this depth, with this budget, after these turns."""
    left, shape = budget.left, view.shape
    state = State(
        question=question,
        context_tokens=context_tokens,
        window_tokens=window_tokens,
        documents=len(view.documents),
        items=0,
        items_tokens=0,
        fields=shape.fields,
        depth=depth,
        depth_left=budget.limits.depth - depth,
        tokens_left=left.tokens,
        calls_left=left.calls,
        seconds_left=budget.limits.seconds - budget.seconds,
        attempt=len(turns),
        observation=turns[-1].output if turns else "",
    )
    return about(state, shape, len(view.context)) if shape.items else state


def about(state: State, items: Shape, characters: int) -> State:
    """The state if these are the items that a map would ask about, in a context of so many characters."""
    tokens = round(state.context_tokens * items.characters / max(1, characters))
    return replace(state, items=items.items, items_tokens=tokens)
