"""Collects counterfactual runs: several looks from the same state, each with its score and cost in the log."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from rlm_local.bench.scoring import score
from rlm_local.engine.answer import Ended
from rlm_local.engine.authors.programs import ACTIONS, looks_at
from rlm_local.engine.authors.prompt import PROMPT_VERSION, Look
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.engine import Engine
from rlm_local.engine.situation import state_of
from rlm_local.log import SOLVED, Outcome, RunStore
from rlm_local.models import Cancel, Model
from rlm_policy import Action, Decision, Forced, Rules, State, expected_costs
from rlm_training.steer import Wanted, steered
from rlm_training.tasks import Make, Split, TrainingTask

UNFORCED = "as it is"
"""Stands for what is forced, if nothing is: the policy decides."""


@dataclass(frozen=True)
class Branch:
    """One alternative: where the reply looks."""

    look: Look

    @property
    def action(self) -> Action:
        return ACTIONS[self.look]

    @property
    def name(self) -> str:
        return f"{self.action} {self.look}"


class InReply(Forced):
    """Decides in the reply even where size alone would, so that there are tokens of the decision to learn from."""

    def settle(self, state: State) -> Decision | None:
        """None at the turns that are forced."""
        return None if self._wanted(state) else self.then.settle(state)


@dataclass(frozen=True)
class Collected:
    """What was collected for one task, given by its id; `outcomes` are the new ones."""

    task: str
    split: Split
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Collector:
    """Tries the branches of tasks over one engine, several tasks at a time, and keeps their outcomes in the log.

    The cheapest branches come first, until one solves the task, because no later one could become the label: first code
    alone, then reading, asking about each row, or children. A branch ends if its look finds nothing, because the next
    look would be another decision. The log also has how likely the model itself found each action, whatever was forced;
    calibration is fitted to that.

    Args:
        engine: uses `model`, which is `steerable`, and `store`.
        model_sha256: of the model's weights, as in the log.
        max_tokens: the budget of each run.
        parallel: how many tasks run at a time; their prompts share a beginning and are evaluated together.
    """

    engine: Engine
    model: Model
    store: RunStore
    model_sha256: str
    max_tokens: int = 60_000
    parallel: int = 4

    def collect(self, tasks: Iterable[tuple[str, Make]], *, branches: bool, cancel: Cancel) -> Iterator[Collected]:
        """Yields each task when all its branches are in the log.

        What is already in the log is not tried again. A cancelled run gets no outcome.
        """
        done = {(o.branch, o.forced): o.score for o in self.store.outcomes(self.model_sha256, PROMPT_VERSION)}
        left = iter(tasks)
        with ThreadPoolExecutor(self.parallel, "rlm-collect") as pool:
            running: set[Future[Collected]] = set()
            try:
                while not cancel.cancelled:
                    for _, make in left:
                        running.add(pool.submit(self._task, make, done, branches, cancel))
                        if len(running) >= self.parallel:
                            break
                    if not running:
                        return
                    ready, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in ready:
                        yield future.result()
            except BaseException:
                cancel.cancel()
                raise
            finally:
                wait([future for future in running if not future.cancel()])

    def branches_of(self, task: TrainingTask) -> list[Branch]:
        """Where a reply may look at the root of a task, the cheapest first; empty if size alone decides."""
        state = self._state(task)
        if Rules().settle(state):
            return []
        costs = expected_costs(state)
        branches = [Branch(look) for look in looks_at(task.view, state) if ACTIONS[look] in costs]
        return sorted(branches, key=lambda branch: (branch.look != "tables", costs[branch.action].tokens))

    def _state(self, task: TrainingTask) -> State:
        """The first state of a task's root."""
        question, view, budget = task.task.question, task.view, Budget(Limits(tokens=self.max_tokens))
        return state_of(question, view, view.tokens(self.model.count), self.model.n_ctx, budget)

    def _task(self, make: Make, done: Mapping[tuple[str, str], float], branches: bool, cancel: Cancel) -> Collected:
        with make() as task:
            return Collected(task.id, task.split, tuple(self._outcomes(task, done, branches, cancel)))

    def _outcomes(
        self, task: TrainingTask, done: Mapping[tuple[str, str], float], branches: bool, cancel: Cancel
    ) -> Iterator[Outcome]:
        known = {name: reached for (of, name), reached in done.items() if of == task.id}
        for branch in self.branches_of(task) if branches else [None]:
            name = branch.name if branch else UNFORCED
            if name in known:
                continue
            if max(known.values(), default=0.0) >= SOLVED:
                return  # later branches are not cheaper
            outcome = self._try(task, branch, cancel)
            if outcome is None:
                return
            known[name] = outcome.score
            yield outcome

    def _try(self, task: TrainingTask, branch: Branch | None, cancel: Cancel) -> Outcome | None:
        """Runs a branch (None: nothing forced) and keeps the outcome; None if it was cancelled."""
        with steered(Wanted(branch.look) if branch else None):
            answer = self.engine.ask(
                task.task.question,
                task.view,
                author="programs",
                policy=InReply((branch.action,)) if branch else "prompted",
                max_tokens=self.max_tokens,
                task_id=task.id,
                cancel=cancel,
            )
        if answer.ended is Ended.CANCELLED:
            return None
        known = task.task.answer
        outcome = Outcome(
            run_id=answer.run_id,
            split=task.split,
            group=task.group,
            branch=task.id,
            forced=branch.name if branch else UNFORCED,
            expected=", ".join(known) if isinstance(known, tuple) else str(known),
            score=score(task.task, answer.answer, answer.found) if answer.ended is Ended.ANSWERED else 0.0,
        )
        self.store.score(outcome)
        return outcome
