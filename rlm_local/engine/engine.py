"""The engine: a model, a sandbox and a log, ready to be asked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack, cast, get_args

from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.calibrated import biases_of
from rlm_local.engine.conversation import Turn, turns_until, understand
from rlm_local.engine.events import Event, Listener, ignore
from rlm_local.engine.notes import LENGTHS, Length
from rlm_local.engine.parts import Parts, begin
from rlm_local.engine.question import check_question
from rlm_local.engine.records import Sources, opened
from rlm_local.engine.replay import Replayed, check_author, replay
from rlm_local.engine.run import Run
from rlm_local.engine.trained import TrainedPolicies
from rlm_local.engine.typed import AnswerSchema
from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.log import RunRecord, RunStore
from rlm_local.models import DEFAULT_MODEL, Cancel, LocalModel, Model, ModelSpec
from rlm_policy import Action, Policies, Policy, Prompted, named, read_price
from rlm_sandbox import Image, Pool

AuthorName = Literal["programs", "free"]


class AskOptions(TypedDict, total=False):
    """The options of `Engine.ask`; see there."""

    author: AuthorName | None
    policy: str | Policy | None
    price: float | str | None
    schema: Mapping[str, Any] | None
    length: Length
    max_tokens: int | None
    max_calls: int | None
    timeout: float | None
    task_id: str | None
    run_id: str | None
    resumes: RunRecord | None
    follows: str | None
    before: Sequence[Turn] | None
    cancel: Cancel | None
    listener: Listener | None


class Engine:
    """Answers questions over records, on this machine.

        with Engine() as engine:
            answer = engine.ask("How many visits were cancelled in May?", ["records/"])
            print(answer.answer, answer.evidence)

    Making one sets up what is missing (weights, sandbox image) and loads the model: seconds, once all is there.
    Asking is safe from several threads.

    Args:
        model: a name from the catalog, the path of a GGUF file, or the address of an OpenAI-compatible server and a
            model's name there, http://127.0.0.1:8000/v1#name.
        home: where all state is kept.
        listener: told what happens, from the thread that works.
        threads: for llama.cpp; by default one for each core this process may use.
        context: tokens of prompts and replies that the model may hold at a time; by default what suits model and
            machine.

    Raises:
        ModelError, SandboxError, HomeError: set-up is not possible, with the remedy.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        home: Home | None = None,
        listener: Listener = ignore,
        threads: int | None = None,
        context: int | None = None,
    ) -> None:
        home = home or Home.default()
        self._use(begin(model, home=home, listener=listener, threads=threads, context=context), listener)

    @classmethod
    def on(cls, parts: Parts, listener: Listener = ignore) -> Self:
        """An engine on parts that were begun before; it closes them at its end. Raises ModelError as they do."""
        engine = cls.__new__(cls)
        engine._use(parts, listener)
        return engine

    @classmethod
    def of(cls, spec: ModelSpec, model: Model, image: Image, store: RunStore, listener: Listener = ignore) -> Self:
        """An engine of parts that are ready: another model, or a log elsewhere. It closes model and log at its end."""
        return cls.on(Parts(spec, model, Pool(image), store), listener)

    def _use(self, parts: Parts, listener: Listener) -> None:
        parts.wait()
        self._parts, self._tell = parts, listener
        self._spec, self._model, self._sandbox, self._store = parts.spec, parts.model, parts.sandbox, parts.store
        self._home = home = parts.home
        self._trained: TrainedPolicies | None = None
        self._calibration: Mapping[Action, float] = {}
        if home is None:
            return
        self._calibration = biases_of(home.calibration, parts.spec.sha256, PROMPT_VERSION)
        if isinstance(parts.model, LocalModel):
            self._trained = TrainedPolicies(
                Policies(home.policies), parts.spec.sha256, parts.model.template_sha256, parts.model.load_adapter
            )

    def close(self) -> None:
        """Free the model's memory and threads."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(
        self,
        question: str,
        sources: Sources,
        *,
        author: AuthorName | None = None,
        policy: str | Policy | None = None,
        price: float | str | None = None,
        schema: Mapping[str, Any] | None = None,
        length: Length = "medium",
        max_tokens: int | None = None,
        max_calls: int | None = None,
        timeout: float | None = None,
        task_id: str | None = None,
        run_id: str | None = None,
        resumes: RunRecord | None = None,
        follows: str | None = None,
        before: Sequence[Turn] | None = None,
        cancel: Cancel | None = None,
        listener: Listener | None = None,
    ) -> Answer:
        """Answer a question over files, folders ("-" is standard input), documents as {name: text}, or an open view.

        Args:
            author: who writes the cells: "programs" (SQL and Python that code checks) or "free" (the model's own
                Python); by default what suits the model.
            policy: when to look with code, ask about every item, or recurse: a name that `rlm_policy.named` knows, or
                a policy; by default "prompted" over programs, and "free" for the model's own Python, where the code
                itself decides.
            price: what a thousand tokens are worth to it, in nats, or a name: conservative, balanced, aggressive.
            schema: a JSON Schema; the answer's `value` fits it, or the run ends in an error that says why not.
            length: of a summary: "short", "medium" or "long", or "points", a line each.
            max_tokens, max_calls, timeout: what the run may cost: tokens evaluated or generated, leaf calls, seconds.
            task_id: kept in the log.
            run_id: the run's name in the log, from `new_run_id`, where it has to be known before the run begins.
            resumes: a run that did not come to its end: what it had done is not done again.
            follows: the run that was asked before it in a conversation: a follow-up becomes a question of its own,
                which is then the answer's `question`.
            before: what was asked before it, where that is not what the log has up to `follows`: turns of another log,
                or none, and the question is taken as it stands.
            cancel: stops the run from another thread; the answer is then the best so far.
            listener: told what happens in this run.

        Raises:
            UsageError: an empty or very long question, an unknown author, policy or price, a policy that is not the
                author's, a limit that is not positive.
            CollectionError: nothing to read, with the path and the reason.
            Cancelled: by `cancel`, before the documents were read; later it is the answer's `ended`.
            StoreError: the log cannot be written.

        What breaks later is not raised: the answer's `ended` is "error", and `error` says what.
        """
        limits = _limits(max_tokens, max_calls, timeout)
        check_question(question)
        if length not in LENGTHS:
            raise UsageError(f"there is no length {length!r}", remedy=f"Use {', '.join(LENGTHS)}")
        nats = _price(price)
        author = author or self._author(policy)
        deciding = self._policy(author, policy, nats)
        form = None if schema is None else AnswerSchema(schema)
        budget = Budget(limits)
        tell = listener or self._tell
        own = Cancel(deadline=budget.deadline)
        release = cancel.on_cancel(own.cancel) if cancel else None
        try:
            with opened(sources, home=self._home, cancel=own, tell=tell) as view:
                if resumes and view.sha256 != resumes.start.context_sha256:
                    raise UsageError(
                        f"the documents are not what run {resumes.run_id} was asked of",
                        remedy="Give the documents as they were, or ask again",
                    )
                turns = turns_until(self._store, follows) if before is None else before
                understood = understand(self._model, turns, question, budget, own) if turns else None
                if understood and understood.question != understood.said:
                    tell(Event("understood", understood.question, data={"said": question}))
                run = Run(
                    question=understood.question if understood else question,
                    view=view,
                    sources=view.sources,
                    context_tokens=view.tokens(self._model.count),
                    model=self._model,
                    model_sha256=self._spec.sha256,
                    sandbox=self._sandbox,
                    policy=deciding,
                    price=nats,
                    schema=form,
                    length=length,
                    budget=budget,
                    tell=tell,
                    task_id=task_id,
                    run_id=run_id,
                    resumes=resumes,
                    follows=follows,
                    understood=understood,
                )
                return run.answer(self._store, own)
        finally:
            if release:
                release()

    def _policy(self, author: AuthorName, policy: str | Policy | None, price: float | None) -> Policy:
        if author not in get_args(AuthorName):
            raise UsageError(f"there is no author {author!r}", remedy=f"Use {', '.join(get_args(AuthorName))}")
        try:
            usual = "free" if author == "free" else "prompted"
            deciding = policy if isinstance(policy, Policy) else self._named(policy or usual, author, price)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if (author == "free") != (deciding.name == "free"):
            raise UsageError(
                f"the policy {deciding.name} does not go with the author {author}",
                remedy="Leave out one of the two: the author free decides in its own code, all other policies guide it",
            )
        return deciding

    def _author(self, policy: str | Policy | None) -> AuthorName:
        """Who writes the cells where nobody says: what suits the policy, else the model."""
        name = policy if isinstance(policy, str) else policy.name if policy else ""
        if self._trained and name in self._trained:
            return "programs"
        return "free" if name == "free" else self._spec.author

    def _named(self, name: str, author: AuthorName, price: float | None) -> Policy:
        trained = self._trained.find(name, price) if self._trained and author == "programs" else None
        policy = trained or named(name, price)
        if author == "programs" and policy.name == "prompted" and isinstance(policy, Prompted):
            return replace(policy, calibration=self._calibration)
        return policy

    def resume(
        self,
        record: RunRecord,
        sources: Sources,
        cancel: Cancel | None = None,
        *,
        run_id: str | None = None,
        listener: Listener | None = None,
    ) -> Answer:
        """Go on with a run that did not come to its end, as a run of its own, with the same options and limits.

        Cells of the free author that had run are run again and not written again; children that had come to their end
        are not run again, and leaf calls that were answered cost nothing where the answers are kept. The rest is done
        anew.

        Raises:
            UsageError: it was answered, the documents are not those that it was asked of, or its author is gone.
        """
        start = record.start
        check_author(record)
        if record.answer and record.answer.ended is Ended.ANSWERED:
            raise UsageError(
                f"run {record.run_id} was answered", remedy=f"`rlm-local runs show {record.run_id}` shows it"
            )
        return self.ask(
            start.question,
            sources,
            author=cast("AuthorName", start.author)
            if start.author in get_args(AuthorName)
            else None,  # direct has none
            policy=start.policy,
            price=start.price,
            schema=start.answer_schema,
            length=cast("Length", start.length),
            max_tokens=start.limits["tokens"],
            max_calls=start.limits["calls"],
            timeout=start.limits["seconds"],
            task_id=start.task_id,
            resumes=record,
            follows=start.follows,
            before=(),
            run_id=run_id,
            cancel=cancel,
            listener=listener,
        )

    def replay(self, record: RunRecord, sources: Sources, cancel: Cancel | None = None) -> Replayed:
        """Run the cells of a logged run again, with the log in the model's place; see `rlm_local.engine.replay`."""
        check_author(record)
        with opened(sources, home=self._home, cancel=cancel, tell=self._tell) as view:
            return replay(record, view, self._model.count, self._sandbox)

    async def ask_async(self, question: str, sources: Sources, **options: Unpack[AskOptions]) -> Answer:
        """The same as `ask`, without blocking the event loop; cancelling the task cancels the run.

        A task that is cancelled waits for the run to stop, which takes one decode, and its log is complete.
        """
        cancel = options.get("cancel") or Cancel()
        options["cancel"] = cancel
        work = asyncio.create_task(asyncio.to_thread(self.ask, question, sources, **options))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            cancel.cancel()
            await work
            raise


def _price(price: float | str | None) -> float | None:
    try:
        return None if price is None else read_price(str(price))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _limits(tokens: int | None, calls: int | None, seconds: float | None) -> Limits:
    given = {"tokens": tokens, "calls": calls, "seconds": seconds}
    for name, value in given.items():
        if value is not None and not value > 0:
            raise UsageError(f"the limit of {name} is {value}", remedy="Limits are positive numbers")
    return replace(Limits(), **{name: value for name, value in given.items() if value is not None})
