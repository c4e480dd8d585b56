"""Leaf calls (calls of the model by a cell), in batches: priced, reserved, carried out, booked and logged."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from rlm_local.engine.budget import Budget, Price, Refused
from rlm_local.engine.events import Voice
from rlm_local.engine.pace import Pace
from rlm_local.log import CallKind, CallRecord, RunLog
from rlm_local.models import Cancel, Generation, Message, Model, Prompt, PromptTooLong, Scores, Usage
from rlm_local.models.errors import ModelError
from rlm_sandbox import HostCallRefused

_TURN_TOKENS = 8  # that a chat template adds to a message, at most


class _Costed(Protocol):
    @property
    def usage(self) -> Usage: ...


_R = TypeVar("_R", bound=_Costed)


@dataclass(frozen=True)
class Batch:
    """Leaf calls that are priced and made together.

    Attributes:
        kind: what kind of calls they are, for the log.
        what: what is being done, for a person.
        prompts: one a call.
        options: what each prompt chooses from; empty if replies are written.
        reply_tokens: the most tokens of a reply.
        neutral: prompts about nothing, which calibrate the choices; see `rlm_local.models.calibration`.
    """

    kind: CallKind
    what: str
    prompts: Sequence[Prompt]
    options: tuple[str, ...] = ()
    reply_tokens: int = 0
    neutral: Sequence[Prompt] = ()


@dataclass
class Batches:
    """The leaf calls of one node.

    Attributes:
        turn: the log's id of the turn that is running.
        pace: how fast calls have been so far.
        refusal: the last batch that was refused because the budget did not suffice.
        unseen: what was not looked at, because of that or because something broke.
    """

    model: Model
    budget: Budget
    cancel: Cancel
    log: RunLog
    say: Voice
    turn: int = 0
    pace: Pace = field(default_factory=Pace)
    refusal: Refused | None = None
    unseen: list[str] = field(default_factory=list[str])

    def begin(self, turn: int, seconds_left: float) -> None:
        """A turn's cell begins, with this many seconds left."""
        self.turn = turn
        self.pace.begin(seconds_left)

    def run(
        self, batch: Batch, ask: Callable[[Callable[[int], None]], list[_R]], data: Callable[[_R], dict[str, Any]]
    ) -> list[_R]:
        """Reserve the price of a batch, make its calls, book what they really cost, and log each of them.

        Args:
            ask: makes the calls; its argument is to be called with the index of each prompt that is done.
            data: turns a result into plain data, for the log.

        Raises:
            HostCallRefused: it costs more than is left, or a prompt does not fit the context.
            ModelError: the model broke or was stopped; what it had evaluated is booked.
        """
        done = 0

        def progress(_index: int) -> None:
            nonlocal done
            done += 1
            told(done)

        def told(done: int) -> None:
            calls = len(batch.prompts)
            self.say("call", batch.what, {"kind": batch.kind, "calls": calls, "done": done}, done / max(1, calls))

        told(0)
        started = time.monotonic()
        try:
            price = price_of(self.model, [*batch.prompts, *batch.neutral], batch.reply_tokens)
            with self.budget.reserve(replace(price, calls=len(batch.prompts))) as receipt:
                try:
                    results = ask(progress)
                except ModelError as error:
                    receipt.tokens, receipt.calls = error.usage, done
                    raise
                receipt.calls = len(batch.prompts)
                receipt.tokens = sum((result.usage for result in results), Usage())
        except Refused as refusal:
            self.refuse(refusal, batch.what)
            raise HostCallRefused(str(refusal)) from refusal
        except PromptTooLong as error:
            raise HostCallRefused(str(error)) from error
        seconds = self.took(started)
        evaluated = receipt.tokens.prompt_tokens + receipt.tokens.completion_tokens
        alone = price_of(self.model, batch.prompts[:1], batch.reply_tokens)  # mostly what all begin with
        self.pace.add(price.tokens - alone.tokens if evaluated else 0, seconds)
        records = [
            recorded(prompt, batch.options, data(result), result.usage)
            for prompt, result in zip(batch.prompts, results, strict=True)
        ]
        self.log.calls(self.turn, batch.kind, records, seconds)
        return results

    def choose(self, batch: Batch) -> list[Scores]:
        """The scores of the options for each prompt. Equal prompts (as for lines of a log) are asked once."""
        batch, prompts = replace(batch, prompts=list(dict.fromkeys(batch.prompts))), batch.prompts
        scores = self.run(
            batch,
            lambda done: self.model.choose(
                batch.prompts, batch.options, neutral=batch.neutral, cancel=self.cancel, on_done=done
            ),
            lambda scores: {"logprobs": list(scores.logprobs), "biased": list(scores.biased)},
        )
        of = dict(zip(batch.prompts, scores, strict=True))
        return [of[prompt] for prompt in prompts]

    def write(self, batch: Batch, grammar: str | None = None) -> list[Generation]:
        """A reply to each prompt, under a grammar if there is one."""

        def ask(done: Callable[[int], None]) -> list[Generation]:
            prompts, most, cancel = batch.prompts, batch.reply_tokens, self.cancel
            if grammar is None:
                return self.model.generate(prompts, max_tokens=most, cancel=cancel, on_done=done)
            return self.model.extract(prompts, grammar=grammar, max_tokens=most, cancel=cancel, on_done=done)

        return self.run(batch, ask, lambda generation: {"text": generation.text, "logprob": generation.logprob})

    def took(self, started: float) -> float:
        """How many seconds a batch took that has just ended; a replay says what the log has."""
        return time.monotonic() - started

    def refuse(self, refusal: Refused, what: str) -> None:
        """Remember a batch that the budget did not suffice for."""
        self.refusal = refusal
        self.unseen.append(f"{what} ({refusal})")


def price_of(model: Model, prompts: Sequence[Prompt], reply_tokens: int) -> Price:
    """An upper bound of what these prompts cost: what all begin with once, then the rest of each, and its reply."""
    if not prompts:
        return Price(0, 0)
    texts = ["\n".join(message.content for message in prompt.messages) for prompt in prompts]
    shared = os.path.commonprefix(texts)  # noqa: RUF071 - by character is what is wanted
    once = model.count(shared) + _TURN_TOKENS * len(prompts[0].messages)
    own = model.count("\n".join(text[len(shared) :] for text in texts))
    return Price(once + own + (_TURN_TOKENS + reply_tokens) * len(prompts), len(prompts))


def recorded(prompt: Prompt, options: tuple[str, ...], result: dict[str, Any], usage: Usage) -> CallRecord:
    """A call as it is written to the log."""
    return CallRecord(
        messages=[plain(message) for message in prompt.messages],
        prefill=prompt.prefill,
        options=options,
        result=result,
        prompt_tokens=usage.prompt_tokens + usage.cached_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
    )


def plain(message: Message) -> dict[str, str]:
    """A message as plain data."""
    return {"role": message.role, "content": message.content}
