"""Counterfactual trajectories: from the same state every action is taken, and each is scored and priced in the log."""

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
"""What is forced where nothing is: what the policy does of its own."""


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
    """Takes its action in the reply, so that there are tokens that say it, even where it needs no model to be taken."""

    def settle(self, state: State) -> Decision | None:
        """Nothing at the turns that are forced."""
        return None if self._wanted(state) else self.then.settle(state)


@dataclass(frozen=True)
class Collected:
    """What was collected of one task, by its id; `outcomes` are those of this time."""

    task: str
    split: Split
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Collector:
    """Tries the branches of tasks over one engine, several tasks at a time, and keeps their outcomes in the log.

    They are tried the cheapest first, until one solves the task: no later one would become the label. First comes what
    code does alone; then what reads, asks about each row, or starts children. A branch ends where its look comes to
    nothing: what would be looked at then is another decision. Whatever is forced, the log has how likely the model
    found each action, which is what a calibration is fitted on.

    Args:
        engine: of `model`, which is `steerable`, and of `store`.
        model_sha256: of the model's weights, as in the log.
        max_tokens: of each run.
        parallel: tasks at a time; their prompts share their beginning, and are evaluated together.
    """

    engine: Engine
    model: Model
    store: RunStore
    model_sha256: str
    max_tokens: int = 60_000
    parallel: int = 4

    def collect(self, tasks: Iterable[tuple[str, Make]], *, branches: bool, cancel: Cancel) -> Iterator[Collected]:
        """Each task when all its branches are in the log, in the order in which they are done.

        What is in the log already is not tried again; of what was cancelled nothing is kept but the runs.
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
        """Where a reply may look at the root of a task, the cheapest first; nothing where size settles it."""
        state = self._state(task)
        if Rules().settle(state):
            return []
        costs = expected_costs(state)
        branches = [Branch(look) for look in looks_at(task.view, state) if ACTIONS[look] in costs]
        return sorted(branches, key=lambda branch: (branch.look != "tables", costs[branch.action].tokens))

    def _state(self, task: TrainingTask) -> State:
        """As a node's first one."""
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
                return  # what comes later is no cheaper
            outcome = self._try(task, branch, cancel)
            if outcome is None:
                return
            known[name] = outcome.score
            yield outcome

    def _try(self, task: TrainingTask, branch: Branch | None, cancel: Cancel) -> Outcome | None:
        """The outcome of a branch, or of none forced, kept; None: cancelled."""
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
