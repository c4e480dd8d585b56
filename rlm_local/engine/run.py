"""One run: a question over a collection, from its first line in the log to its answer."""

from dataclasses import asdict, dataclass, replace

from rlm_local.collection.view import View
from rlm_local.engine.answer import Answer, Evidence
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.budget import Budget
from rlm_local.engine.conversation import Understanding
from rlm_local.engine.events import Event, Listener
from rlm_local.engine.free import FREE_VERSION
from rlm_local.engine.kept import kept_of, steps_of
from rlm_local.engine.notes import Length
from rlm_local.engine.result import Result
from rlm_local.engine.tree import Tree, author_of
from rlm_local.engine.typed import AnswerSchema
from rlm_local.log import RunRecord, RunStart, RunStore
from rlm_local.models import Cancel, Model
from rlm_policy import Policy
from rlm_sandbox import Image, Pool

_EVIDENCE_CHARACTERS = 400


@dataclass
class Run:
    """One question, with everything that it takes to answer it. `answer` may be called once."""

    question: str
    view: View
    sources: tuple[str, ...]
    context_tokens: int
    model: Model
    model_sha256: str
    sandbox: Image | Pool
    policy: Policy
    budget: Budget
    tell: Listener
    price: float | None = None
    schema: AnswerSchema | None = None
    task_id: str | None = None
    run_id: str | None = None
    length: Length | None = None
    """Of a summary."""

    resumes: RunRecord | None = None
    """An earlier run that was stopped; what it had done is not done again."""

    follows: str | None = None
    understood: Understanding | None = None
    """The run before this one in a conversation, and how `question` came from what was said."""

    def answer(self, store: RunStore, cancel: Cancel) -> Answer:
        """Run to the end, whatever happens on the way. The answer is in the log when this returns.

        Raises:
            StoreError: the log cannot be written.
        """
        log = store.begin(self._start(), self.run_id)
        kept, steps = (kept_of(self.resumes), steps_of(self.resumes)) if self.resumes else ({}, ())
        tree = Tree(
            self.model, self.sandbox, self.policy, cancel, log, self.tell, self.schema, kept, steps, self.length
        )
        result = tree.root(self.question, self.view, self.context_tokens, self.budget)
        answer = self.answer_of(log.run_id, result)
        log.end(answer)
        self.tell(Event("answer", answer.answer, data=answer.data()))
        return answer

    def answer_of(self, run_id: str, result: Result) -> Answer:
        """The root's result as the run's answer: places become evidence, and the seconds are those of the whole run."""
        return Answer(
            run_id=run_id,
            question=self.question,
            answer=result.answer,
            found=result.found,
            ended=result.ended,
            evidence=tuple(evidence(self.view, *place) for place in result.places),
            usage=replace(result.usage, seconds=round(self.budget.seconds, 2)),
            model=self.model.name,
            policy=self.policy.name,
            error=result.error,
            value=result.value,
            basis=result.basis,
            unseen=result.unseen,
            confidence=result.confidence,
        )

    def _start(self) -> RunStart:
        author = author_of(self.policy)
        return RunStart(
            question=self.question,
            task_id=self.task_id,
            sources=self.sources,
            context_sha256=self.view.sha256,
            context_tokens=self.context_tokens,
            documents=len(self.view.documents),
            model=self.model.name,
            model_sha256=self.model_sha256,
            template_sha256=self.model.template_sha256,
            prompt_version=FREE_VERSION if author == "free" else PROMPT_VERSION,
            author=author,
            policy=self.policy.name,
            limits=asdict(self.budget.limits),
            seed=0,
            price=self.price,
            resumes=self.resumes.run_id if self.resumes else None,
            answer_schema=self.schema.schema if self.schema else None,
            follows=self.follows,
            understood=self.understood.data() if self.understood else None,
            length=self.length,
        )


def evidence(view: View, start: int, end: int) -> Evidence:
    """A span of the view's context as a place in a document, with the beginning of its text."""
    span = view.span(start, min(end, start + _EVIDENCE_CHARACTERS))
    return Evidence(span.document, span.start, span.end, view.text_of(span), view.place(start))
