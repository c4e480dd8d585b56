"""Rollouts through our own engine and sandbox, for reinforcement: sampled plans, run to the end and scored."""

from collections.abc import Mapping
from pathlib import Path

from rlm_local.bench.scoring import score
from rlm_local.engine.answer import Ended
from rlm_local.log import SOLVED
from rlm_local.models import Cancel
from rlm_policy import Prompted
from rlm_training.convert import write_gguf
from rlm_training.errors import DataError
from rlm_training.grpo import Rollout, reward
from rlm_training.lora import read_lora
from rlm_training.steer import sampled
from rlm_training.tasks import Make
from rlm_training.trajectories import decision_of
from rlm_training.weights import BaseWeights
from rlm_training.workbench import Workbench

_ADAPTER = "rolling"


class EngineRollouts:
    """Rolls out tasks on a workbench: `grpo.Roll`.

    Args:
        weights: the GGUF file of its model.
        tasks: by id.
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
        task = self._tasks[name]()
        self._seed += 1
        with sampled(self._seed) as sampling:
            answer = self._bench.engine.ask(
                task.task.question,
                task.corpus,
                policy=Prompted(price=0.0, adapters={_ADAPTER: 1.0}, name="rollout"),
                max_tokens=self._max_tokens,
                task_id=task.id,
                cancel=self._cancel,
            )
        self._cancel.check()
        turn = self._bench.store.get(answer.run_id).nodes[0].turns[0]
        if not turn.start.completion_ids:
            raise DataError(f"no model decides in the task {name!r}", remedy="Build the dataset again")
        reached = 0.0 if answer.ended is Ended.ERROR else score(task.task, answer.answer, answer.found)
        chosen = [False] * len(turn.start.completion_ids)
        for start, end in sampling.traces[0]:
            chosen[start:end] = [True] * (end - start)
        usage = answer.usage
        tokens = usage.prompt_tokens + usage.completion_tokens
        return Rollout(
            prompt_ids=tuple(turn.start.prompt_ids),
            completion_ids=tuple(turn.start.completion_ids),
            chosen=tuple(chosen[: len(turn.start.completion_ids)]),
            reward=reward(reached, reached >= SOLVED, tokens, self._max_tokens),
            decision=decision_of(turn),
        )
