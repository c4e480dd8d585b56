"""Asking made tasks, one after another: each is made when its turn comes, and forgotten when it was answered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from rlm_local.bench.examples import Result, ask_one
from rlm_local.bench.scoring import Task
from rlm_local.bench.tasks.kinds import Spec
from rlm_local.engine.answer import Answer

AskOf = Callable[[Mapping[str, str], Task, str], Answer]
"""Asks documents (name: text) one question under a policy; see `rlm_local.bench.examples.Ask`."""


def ask_made(
    specs: Sequence[Spec], ask: AskOf, policies: Sequence[str], known: Sequence[Result] = ()
) -> Iterator[Result]:
    """Each task's result under each policy; those already known are not asked.

    The policies take turns at being the first: what all evaluate of a question is paid by that one.
    """
    seen = {(result.id, result.policy): result for result in known}
    for number, spec in enumerate(specs):
        first = number % len(policies)
        turns = [*policies[first:], *policies[:first]]
        if all((spec.id, policy) in seen for policy in policies):
            yield from (seen[spec.id, policy] for policy in turns)
            continue
        task, documents = spec.make()
        for policy in turns:
            yield seen.get((spec.id, policy)) or ask_one(task, policy, partial(ask, documents))
