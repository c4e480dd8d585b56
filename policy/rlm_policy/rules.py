"""Size thresholds: the baseline that every trained policy has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlm_policy.action import Action
from rlm_policy.cost import expected_costs
from rlm_policy.decision import Decision
from rlm_policy.price import priced
from rlm_policy.state import State


@dataclass(frozen=True)
class Rules:
    """Reads a short view whole, and otherwise takes the likelier of SEARCH and MAP; it never recurses.

    As long as a text fits in the window, one direct call is as good as anything (Zhang et al., arXiv 2512.24601,
    section 4), except for counting over records, which no small model can do and code does exactly.

    Args:
        direct_tokens: views up to this many tokens are read whole; a child's view, up to the window.
        record_items: a view with columns and more rows than this is looked at with code, however short it is.
        price: of a thousand tokens, in nats.
    """

    direct_tokens: int = 1500
    record_items: int = 8
    price: float = 0.0
    adapters: Mapping[str, float] = field(default_factory=dict[str, float])
    name: str = "rules"

    def settle(self, state: State) -> Decision | None:
        """ANSWER if the view is short enough, this is the first turn, and there are no rows to count."""
        short = state.fits if state.depth else state.context_tokens <= self.direct_tokens
        if state.attempt or not short or (state.fields and state.items > self.record_items):
            return None
        reason = f"{state.context_tokens} tokens fit in one call"
        return Decision(Action.ANSWER, reason=reason, costs=expected_costs(state))

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """The likelier of SEARCH and MAP; of all open actions, if neither is open."""
        looking = {action: logprobs[action] for action in (Action.SEARCH, Action.MAP) if action in logprobs}
        return priced(state, looking or logprobs, self.price)
