"""Size thresholds: the baseline every trained policy has to beat."""

from dataclasses import dataclass

from rlm_policy.action import Action
from rlm_policy.decision import Decision
from rlm_policy.state import State


@dataclass(frozen=True)
class Rules:
    """Answers at once where the view is short, and leaves everything else to the plan.

    Below the window's reach a direct call is as good as anything (Zhang et al., arXiv 2512.24601, section 4), except
    for counting over records, which no small model does and code does exactly.

    Args:
        direct_tokens: views up to this size are read whole.
        record_items: a view with fields and more items than this is worth a plan, however short.
    """

    direct_tokens: int = 1500
    record_items: int = 8

    def decide(self, state: State) -> Decision | None:
        """The decision that size alone settles, or None: the plan decides."""
        if state.attempt or state.context_tokens > self.direct_tokens:
            return None
        if state.fields and state.items > self.record_items:
            return None
        return Decision(Action.ANSWER, reason=f"{state.context_tokens} tokens fit in one call")
