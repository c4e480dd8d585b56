"""Rollouts in our own engine and sandbox, for reinforcement: the look is drawn, and the run is scored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rlm_local.bench.scoring import score
from rlm_local.engine.answer import Ended
from rlm_local.engine.authors.programs import ACTIONS
from rlm_local.log import SOLVED
from rlm_local.models import Cancel
from rlm_policy import Action, Decision, Prompted, State, expected_costs
from rlm_training.convert import write_gguf
from rlm_training.errors import DataError
from rlm_training.grpo import Rollout, reward
from rlm_training.lora import read_lora
from rlm_training.steer import Drawn, steered
from rlm_training.tasks import Make
from rlm_training.weights import BaseWeights
from rlm_training.workbench import Workbench

_ADAPTER = "rolling"


@dataclass(frozen=True)
class AsDrawn(Prompted):
    """Takes the action of the look that was drawn for the root."""

    drawn: Drawn = field(default_factory=lambda: Drawn(0))

    def decide(self, state: State, logprobs: Mapping[Action, float]) -> Decision:
        """See `Policy.decide`."""
        action = next((action for look, action in ACTIONS.items() if look == self.drawn.look), None)
        if state.depth or action is None:
            return super().decide(state, logprobs)
        likely = math.exp(logprobs[action])
        return Decision(action, dict(logprobs), propensity=likely, reason="drawn", costs=expected_costs(state))


class EngineRollouts:
    """Rolls out tasks on a workbench: `grpo.Roll`.

    Args:
        weights: the GGUF file of the workbench's model.
        tasks: the tasks, by id.
        max_tokens: the budget of a run.
    """

    def __init__(
        self,
        bench: Workbench,
        weights: Path,
        tasks: Mapping[str, Make],
        max_tokens: int,
        cancel: Cancel,
    ) -> None:
        self._bench, self._tasks = bench, tasks
        self._base, self._max_tokens, self._cancel = BaseWeights(weights), max_tokens, cancel
        self._seed = 0

    def __call__(self, task: str, n: int, adapter: Path) -> list[Rollout]:
        converted = adapter / "adapter.gguf"
        write_gguf(read_lora(adapter), self._base, converted)
        self._bench.llama.load_adapter(_ADAPTER, converted)
        return [self._one(task) for _ in range(n)]

    def _one(self, name: str) -> Rollout:
        if name not in self._tasks:
            raise DataError(f"the task {name!r} is not among those given", remedy="Name the tasks that were collected")
        self._seed += 1
        drawn = Drawn(self._seed)
        with self._tasks[name]() as task, steered(drawn):
            answer = self._bench.engine.ask(
                task.task.question,
                task.view,
                author="programs",
                policy=AsDrawn(price=0.0, adapters={_ADAPTER: 1.0}, name="rollout", drawn=drawn),
                max_tokens=self._max_tokens,
                task_id=task.id,
                cancel=self._cancel,
            )
            self._cancel.check()
            reached = 0.0 if answer.ended is Ended.ERROR else score(task.task, answer.answer, answer.found)
        if drawn.prompt is None:
            raise DataError(f"no model decides in the task {name!r}", remedy="Build the dataset again")
        asked = self._bench.model.encode(drawn.prompt)
        replied = self._bench.model.encode(replace(drawn.prompt, prefill=drawn.prompt.prefill + drawn.option))
        tokens = answer.usage.prompt_tokens + answer.usage.completion_tokens
        return Rollout(
            prompt_ids=asked,
            completion_ids=replied[len(asked) :],
            reward=reward(reached, reached >= SOLVED, tokens, self._max_tokens),
            decision=drawn.look,
        )
