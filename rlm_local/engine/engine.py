"""The engine: a model, a sandbox and a log, ready to answer questions. This is the public API."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack, cast, get_args

from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.calibrated import biases_of
from rlm_local.engine.conversation import Exchange, exchanges_until, understand
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
    length: Length | None
    max_tokens: int | None
    max_calls: int | None
    timeout: float | None
    task_id: str | None
    run_id: str | None
    resumes: RunRecord | None
    follows: str | None
    before: Sequence[Exchange] | None
    cancel: Cancel | None
    listener: Listener | None


class Engine:
    """Answers questions about files and folders, on this machine.

        with Engine() as engine:
            answer = engine.ask("How many visits were cancelled in May?", ["records/"])
            print(answer.answer, answer.evidence)

    Making an engine fetches what is missing (weights, sandbox image) and loads the model, which takes seconds once
    everything is there. `ask` may be called from several threads.

    Args:
        model: a name from the catalog, the path of a GGUF file, or the address of an OpenAI-compatible server and the
            name of a model there, as in http://127.0.0.1:8000/v1#name.
        home: where all state is kept.
        listener: called with what happens, from the threads that do it.
        threads: for llama.cpp; by default one for each physical core that this process may use.
        context: how many tokens of prompts and replies the model may hold at a time; by default what suits model and
            machine.

    Raises:
        ModelError, SandboxError, HomeError: the engine cannot be set up; the message says what to do.
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
        """An engine on parts that were begun before, which it closes at its end.

        Raises:
            ModelError: the model cannot be loaded.
        """
        engine = cls.__new__(cls)
        engine._use(parts, listener)
        return engine

    @classmethod
    def of(cls, spec: ModelSpec, model: Model, image: Image, store: RunStore, listener: Listener = ignore) -> Self:
        """An engine of parts that are ready, such as another model or a log elsewhere. It closes them at its end."""
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
        """Free the model's memory, and end all processes and threads."""
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
        length: Length | None = None,
        max_tokens: int | None = None,
        max_calls: int | None = None,
        timeout: float | None = None,
        task_id: str | None = None,
        run_id: str | None = None,
        resumes: RunRecord | None = None,
        follows: str | None = None,
        before: Sequence[Exchange] | None = None,
        cancel: Cancel | None = None,
        listener: Listener | None = None,
    ) -> Answer:
        """Answer a question.

        Args:
            sources: what it is about: paths of files and folders ("-" is standard input), documents as {name: text}, or
                a view that is open already.
            author: how programs are written: "programs" (SQL and Python that code checks) or "free" (the model's own
                Python); by default what suits the model.
            policy: when to search with code, to ask about every item, or to recurse: a policy, or a name that
                `rlm_policy.named` knows. The default is "prompted", or "free" for the author "free", whose code itself
                decides.
            price: what a thousand tokens are worth to the policy, in nats, or conservative, balanced or aggressive.
            schema: a JSON Schema that the answer's `value` has to fit; if it cannot, the run ends as an error that says
                why.
            length: of a summary, which is written then: "short", "medium" or "long", or "points", one a line. None: a
                summary of medium length, if the question asks for one.
            max_tokens: tokens that the run may evaluate or generate.
            max_calls: calls of the model that it may make.
            timeout: seconds that it may take.
            task_id: a name of the caller's own, kept in the log.
            run_id: the run's id in the log, from `new_run_id`, if it has to be known before the run begins.
            resumes: an earlier run that was stopped; what it had done is not done again.
            follows: the run before this one in a conversation. A follow-up is rewritten into a question that stands
                alone, which is then the answer's `question`.
            before: the conversation so far, if it is not the one in the log up to `follows`. If empty, the question is
                taken as it is.
            cancel: stops the run from another thread; the answer is then the best so far.
            listener: called with what happens in this run, in place of the engine's listener.

        Raises:
            UsageError: the question is empty or very long; the author, policy or price is not known; policy and author
                do not go together; or a limit is not positive.
            CollectionError: there is nothing to read; with the path and the reason.
            Cancelled: by `cancel`, before the documents were read; later it is the answer's `ended`.
            StoreError: the log cannot be written.

        What breaks later is not raised: the answer's `ended` is then "error", and `error` says what broke.
        """
        limits = _limits(max_tokens, max_calls, timeout)
        check_question(question)
        if length is not None and length not in LENGTHS:
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
                exchanges = exchanges_until(self._store, follows) if before is None else before
                understood = understand(self._model, exchanges, question, budget, own) if exchanges else None
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
        """The author to use if none is given: what suits the policy, else the model."""
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
        """Continue a run that was stopped, as a new run with the same options and limits.

        Cells of the free author that had run are run again but not written again. Children that had finished are not
        run again, and leaf calls that were answered cost nothing if their answers were kept. The rest is done anew.

        Raises:
            UsageError: the run was answered, the documents have changed, or its author no longer exists.
        """
        start = record.start
        check_author(record)
        if record.answer and record.answer.ended is Ended.ANSWERED:
            raise UsageError(
                f"run {record.run_id} was answered", remedy=f"`rlm-local runs show {record.run_id}` shows it"
            )
        names = get_args(AuthorName)  # "direct", which a log may have, is a policy
        author = cast("AuthorName", start.author) if start.author in names else None
        return self.ask(
            start.question,
            sources,
            author=author,
            policy=start.policy,
            price=start.price,
            schema=start.answer_schema,
            length=cast("Length | None", start.length),
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
        """Run the cells of a logged run again, with the log in place of the model; see `rlm_local.engine.replay`."""
        check_author(record)
        with opened(sources, home=self._home, cancel=cancel, tell=self._tell) as view:
            return replay(record, view, self._model.count, self._sandbox)

    async def ask_async(self, question: str, sources: Sources, **options: Unpack[AskOptions]) -> Answer:
        """Do the same as `ask` without blocking the event loop.

        Cancelling the task cancels the run. The task then waits for the run to stop, which takes one decode; the log is
        complete.
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
