"""Counterfactual trajectories: from the same state every action is taken, and each is scored and priced in the log."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from rlm_local.bench.scoring import score
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.engine import Engine
from rlm_local.engine.guided import PROMPT_VERSION, Schema
from rlm_local.engine.guided.plan import Op
from rlm_local.engine.guided.planner import open_ops
from rlm_local.engine.records import shape_of_set
from rlm_local.engine.situation import about, state_of
from rlm_local.log import SOLVED, Outcome, RunStore
from rlm_local.models import Cancel, Model
from rlm_policy import Action, Decision, Forced, Rules, State, expected_costs
from rlm_training.steer import towards
from rlm_training.tasks import Make, TrainingTask

UNFORCED = "as it is"
"""What is forced where nothing is: what the policy does of its own."""

_PLANNING = 1
"""Calls that a plan takes."""


@dataclass(frozen=True)
class Branch:
    """One alternative: an action and, where that is a plan without a judge, its op."""

    action: Action
    op: str = ""

    @property
    def name(self) -> str:
        return f"{self.action} {self.op}".rstrip()

    @property
    def dear(self) -> bool:
        """Whether the model reads text for it: code alone costs next to nothing."""
        return self.op in ("", Op.READ) or self.action is not Action.SEARCH


class InPlan(Forced):
    """Takes its action in the plan, so that there are tokens that say it, even where it needs no model to be taken."""

    def settle(self, state: State) -> Decision | None:
        """Nothing at the turns that are forced."""
        return None if self._wanted(state) else self.then.settle(state)


@dataclass(frozen=True)
class Collected:
    """What was collected of one task; `outcomes` are those of this time."""

    task: TrainingTask
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Collector:
    """Tries the branches of tasks over one engine, several tasks at a time, and keeps their outcomes in the log.

    They are tried the cheapest first, until one solves the task: no later one would become the label. First comes the
    plan that the model makes of its own, whose option logits are what a calibration is fitted on; then what code does
    alone; then what reads, which costs a hundred times as much. A branch of code alone ends with its first plan: what
    is tried after that plan came to nothing is another decision, and reads.

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
        """What a model can decide at the root of a task, the cheapest first; nothing where size settles it."""
        state = self._state(task)
        if Rules().settle(state):
            return []
        schema = Schema(task.corpus, task.task.question)
        if schema.sets:  # a map is about what the question names, which can be far less than everything
            named = min(schema.sets, key=partial(schema.left_out, Op.COUNT))
            state = about(state, shape_of_set(schema.sets[named]), schema.characters)
        costs = expected_costs(state)
        ops = open_ops(schema, (), costs)
        branches = [Branch(op.actions[0], str(op)) for op in ops]
        if any(Action.MAP in op.actions for op in ops):
            branches.append(Branch(Action.MAP))
        return sorted(branches, key=lambda branch: (branch.dear, costs[branch.action].tokens))

    def _state(self, task: TrainingTask) -> State:
        """As a node's first one."""
        question, corpus, budget = task.task.question, task.corpus, Budget(Limits(tokens=self.max_tokens))
        return state_of(question, corpus, corpus.tokens(self.model.count), self.model.n_ctx, budget)

    def _task(self, make: Make, done: Mapping[tuple[str, str], float], branches: bool, cancel: Cancel) -> Collected:
        task = make()
        known = {name: reached for (of, name), reached in done.items() if of == task.id}
        outcomes: list[Outcome] = []
        forced = self.branches_of(task) if branches else []
        if branches and not forced:
            return Collected(task, ())  # size alone decides
        for branch in [None, *forced] if branches else [None]:
            name = branch.name if branch else UNFORCED
            if name in known:
                continue
            if max(known.values(), default=0.0) >= SOLVED:
                break  # what comes later is no cheaper
            dear = branch.dear if branch else not branches
            outcome = self._try(task, branch, None if dear else _PLANNING, cancel)
            if outcome is None:
                break
            outcomes.append(outcome)
            known[name] = outcome.score
        return Collected(task, tuple(outcomes))

    def _try(self, task: TrainingTask, branch: Branch | None, max_calls: int | None, cancel: Cancel) -> Outcome | None:
        """The outcome of a branch, or of none forced, kept; None: cancelled."""
        with towards(branch.op if branch else ""):
            answer = self.engine.ask(
                task.task.question,
                task.corpus,
                policy=InPlan((branch.action,)) if branch else "prompted",
                max_tokens=self.max_tokens,
                max_calls=max_calls,
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
