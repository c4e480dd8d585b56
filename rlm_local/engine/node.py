"""The main loop, of one node: state, decision, cell, sandbox, observation; and again, until there is an answer."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from rlm_local.collection.view import View
from rlm_local.engine.answer import Ended, Usage
from rlm_local.engine.author import Author, Step, Turn
from rlm_local.engine.batches import plain
from rlm_local.engine.broker import Broker, Final
from rlm_local.engine.budget import Budget, Refused
from rlm_local.engine.events import Voice
from rlm_local.engine.result import Result
from rlm_local.engine.situation import state_of
from rlm_local.errors import RlmLocalError
from rlm_local.log import RunLog, TurnStart
from rlm_local.models import Cancel, Cancelled, DeadlineExceeded, Model
from rlm_policy import State
from rlm_sandbox import CellResult, SandboxError, Session

NOT_FOUND = "The documents do not say."
NOT_YET = "No answer was found before the run was stopped."

_MAX_TURNS = 12
_OBSERVATION = 2000

OpenSession = Callable[[Broker], Session]
"""Opens a sandbox session whose host calls the broker answers."""


class OutOfTurns(Exception):  # noqa: N818  not a failure: a limit was reached
    """The node had as many cells as it may have, and there is no answer."""


@dataclass
class Node:
    """A question about a view of the collection, with an author that writes cells and a session that runs them."""

    question: str
    view: View
    context_tokens: int
    model: Model
    author: Author
    broker: Broker
    budget: Budget
    cancel: Cancel
    log: RunLog
    say: Voice
    open_session: OpenSession

    def run(self) -> Result:
        """Run the node to its end, whatever happens on the way. The result is in the log when this returns.

        Raises:
            StoreError: the log cannot be written.
        """
        started = time.monotonic()
        size = {"context_tokens": self.context_tokens, "documents": len(self.view.documents)}
        self.say("node", self.question, {"part": self.say.part, **size})
        ended, error, turns = Ended.ANSWERED, "", ()
        try:
            turns = self._loop()
        except DeadlineExceeded:
            ended = Ended.TIMEOUT
        except (Cancelled, KeyboardInterrupt):
            ended = Ended.CANCELLED
        except (OutOfTurns, Refused) as limit:
            ended, error = Ended.BUDGET, str(limit)
        except (RlmLocalError, SandboxError) as broken:
            ended, error = Ended.ERROR, str(broken)
        result = self._result(ended, error, turns, time.monotonic() - started)
        self.log.end_node(self.say.node, result.ended, result.data())
        self.say("end", result.answer, {**result.data(), "ended": str(result.ended)})
        return result

    def _loop(self) -> tuple[Turn, ...]:
        """Run cells until one of them ends the node, or the author has nothing left to try.

        Returns:
            The turns.

        Raises:
            OutOfTurns, Refused: a limit was reached.
            Cancelled, DeadlineExceeded: by `cancel`.
            SandboxError, ModelError: something broke.
        """
        turns: tuple[Turn, ...] = ()
        session = self.open_session(self.broker)

        def stop() -> None:
            session.kill()

        release = self.cancel.on_cancel(stop)
        alarm = threading.Timer(min(self.cancel.remaining or 0.0, threading.TIMEOUT_MAX), stop)
        alarm.daemon = True
        if self.cancel.remaining is not None:
            alarm.start()
        try:
            while self.broker.final is None:
                if len(turns) == _MAX_TURNS:
                    raise OutOfTurns(f"there was no answer after {_MAX_TURNS} cells")
                state, before = self._state(turns), self._spent()
                step = self.author.step(state, turns, self.cancel)
                if step is None:
                    break
                if not session.alive:
                    self.cancel.check()
                    session = self.open_session(self.broker)
                self.cancel.check()  # `stop` did not know a session that was opened meanwhile
                self._begin_turn(state, step, before)
                turns = (*turns, self._run(session, step))
            return turns
        finally:
            release()
            alarm.cancel()
            session.close()

    def _begin_turn(self, state: State, step: Step, before: dict[str, float]) -> None:
        self.say("decision", f"{step.decision.action}: {step.decision.reason}", step.decision.data())
        self.say("cell", step.cell, {"plan": step.plan})
        prompt = step.prompt
        spent = {name: amount - before[name] for name, amount in self._spent().items()}
        turn = self.log.begin_turn(
            self.say.node,
            TurnStart(
                state=state.features(),
                decision=step.decision.data(),
                messages=[plain(message) for message in prompt.messages] if prompt else [],
                prefill=prompt.prefill if prompt else "",
                prompt_ids=step.prompt_ids,
                completion_ids=step.completion_ids,
                text=step.text,
                plan=step.plan,
                cell=step.cell,
                spent=spent,
                thought=step.thought,
            ),
        )
        self.broker.batches.begin(turn, state.seconds_left - spent["seconds"])

    def _run(self, session: Session, step: Step) -> Turn:
        """Run a step's cell."""
        started, turn = time.monotonic(), self.broker.batches.turn
        try:
            result = session.run(step.cell)
        except BaseException as error:  # from a host call: the node is over, and its log says why
            self.log.end_turn(
                self.broker.batches.turn, "", str(error) or repr(error), "run", time.monotonic() - started
            )
            self.cancel.check()  # a session that was killed before its cell began raises that it is closed
            raise
        self.log.end_turn(turn, result.output, result.error, result.stopped, result.seconds)
        self.cancel.check()
        observation = _observation(result)
        self.say("output", observation, {"seconds": result.seconds})
        return Turn(step, observation, result.error, result.stopped)

    def _state(self, turns: tuple[Turn, ...]) -> State:
        window, depth = self.model.n_ctx, self.say.depth
        return state_of(self.question, self.view, self.context_tokens, window, self.budget, depth, turns)

    def _spent(self) -> dict[str, float]:
        spent = self.budget.spent
        return {
            "prompt_tokens": spent.prompt_tokens,
            "completion_tokens": spent.completion_tokens,
            "calls": self.budget.calls,
            "seconds": self.budget.seconds,
        }

    def _result(self, ended: Ended, error: str, turns: tuple[Turn, ...], seconds: float) -> Result:
        so_far = None if ended is Ended.ANSWERED else self.broker.so_far
        final = self.broker.final or so_far or Final("", None, found=False)
        if self.broker.final is not None and ended is not Ended.ERROR:
            ended = Ended.ANSWERED
        elif self.broker.batches.refusal is not None and ended is Ended.ANSWERED:  # what was not looked at may hold it
            ended, error = Ended.BUDGET, str(self.broker.batches.refusal)
        elif self.broker.misfit and ended is Ended.ANSWERED:
            ended, error = Ended.ERROR, self.broker.misfit
        elif ended is Ended.ANSWERED and turns and all(turn.error or turn.stopped for turn in turns):
            last = turns[-1].output.strip()  # nobody knows what the documents say
            ended, error = Ended.ERROR, f"none of {len(turns)} cells came to its end; the last one: {last}"
        spent = self.budget.spent
        return Result(
            answer=final.answer or (NOT_FOUND if ended is Ended.ANSWERED else NOT_YET),
            value=final.value,
            found=final.found,
            ended=ended,
            places=final.places,
            basis=self.broker.basis(),
            unseen=tuple(self.broker.batches.unseen),
            error=error,
            usage=Usage(
                prompt_tokens=spent.prompt_tokens,
                completion_tokens=spent.completion_tokens,
                leaf_calls=self.budget.calls,
                nodes=self.budget.nodes,
                depth=self.broker.deepest,
                seconds=round(seconds, 2),
            ),
            confidence=self._confidence(turns) if final.found else None,
        )

    def _confidence(self, turns: tuple[Turn, ...]) -> float | None:
        """The probability that the answer is right: as the author says, or as the broker found of what was read."""
        plan = (turns[-1].step.plan or {}) if turns else {}
        return plan.get("confidence", self.broker.confidence)


def _observation(result: CellResult) -> str:
    """What the author is shown of a cell: its output and, if it failed, why; the middle is cut out if it is long."""
    text = "\n".join(part for part in (result.output.rstrip(), result.error or "", _stopped(result)) if part)
    if len(text) <= _OBSERVATION:
        return text
    half = _OBSERVATION // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters cut ...\n{text[-half:]}"


def _stopped(result: CellResult) -> str:
    return f"(stopped: {result.stopped})" if result.stopped and not result.error else ""
