"""One run: a question over a corpus, from its first line in the log to its answer."""

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property

from rlm_local.corpus import Corpus
from rlm_local.engine.answer import Answer, Ended, Usage
from rlm_local.engine.author import Author
from rlm_local.engine.broker import Broker, Final
from rlm_local.engine.budget import Budget, Refused
from rlm_local.engine.direct import DirectAuthor
from rlm_local.engine.events import Event, Listener, Voice
from rlm_local.engine.free import FreeAuthor
from rlm_local.engine.guided import PROMPT_VERSION, GuidedAuthor, Schema
from rlm_local.engine.node import Node, OutOfTurns
from rlm_local.engine.passages import Passages
from rlm_local.errors import RlmLocalError
from rlm_local.log import RunLog, RunStart, RunStore
from rlm_local.models import Cancel, Cancelled, DeadlineExceeded, Model
from rlm_policy import Policy
from rlm_sandbox import Image, SandboxError, Session
from rlm_sandbox import Limits as SessionLimits

NOT_FOUND = "The documents do not say."

_CELL_SECONDS = 60.0
_REPLY_BYTES = 256 << 20  # the columns of an item set over 10 MB of records are some 20 MB
_OPENING = "import rlm, rlm_host\n_rlm = rlm.install(globals(), rlm_host.call, {documents!r})"


@dataclass
class Run:
    """What one question needs. `answer` may be called once."""

    question: str
    corpus: Corpus
    sources: tuple[str, ...]
    context_tokens: int
    model: Model
    model_sha256: str
    image: Image
    policy: Policy
    budget: Budget
    tell: Listener
    task_id: str | None = None
    run_id: str | None = None

    def answer(self, store: RunStore, cancel: Cancel) -> Answer:
        """Run to the end, whatever happens on the way; the answer is in the log when this returns.

        Raises:
            StoreError: the log cannot be written.
        """
        log = store.begin(self._start(), self.run_id)
        say = Voice(self.tell, log.node(None, 0, self.question), None, 0)
        broker = Broker(self.model, self.corpus, self.passages, self.budget, cancel, log, say)
        ended, error = Ended.ANSWERED, ""
        try:
            self._node(log, broker, cancel, say).run()
        except DeadlineExceeded:
            ended = Ended.TIMEOUT
        except (Cancelled, KeyboardInterrupt):
            ended = Ended.CANCELLED
        except (OutOfTurns, Refused) as limit:
            ended, error = Ended.BUDGET, str(limit)
        except (RlmLocalError, SandboxError) as broken:
            ended, error = Ended.ERROR, str(broken)
        answer = self._answer(log.run_id, broker, ended, error)
        log.end(answer)
        say("end", answer.answer, _ending(answer))
        self.tell(Event("answer", answer.answer, data=answer.data()))
        return answer

    @cached_property
    def passages(self) -> Passages:
        return Passages(self.corpus)

    def _node(self, log: RunLog, broker: Broker, cancel: Cancel, say: Voice) -> Node:
        return Node(
            question=self.question,
            corpus=self.corpus,
            context_tokens=self.context_tokens,
            model=self.model,
            author=self._author(),
            broker=broker,
            budget=self.budget,
            cancel=cancel,
            log=log,
            say=say,
            open_session=self._open_session,
        )

    @property
    def author(self) -> str:
        """Who writes the cells: the policies that decide nothing have their own, all others decide over typed plans."""
        return self.policy.name if self.policy.name in ("direct", "free") else "guided"

    def _author(self) -> Author:
        match self.author:
            case "direct":
                return DirectAuthor(self.model, self.corpus)
            case "free":
                return FreeAuthor(self.model, self.corpus, self.budget)
            case _:
                return GuidedAuthor(self.model, Schema(self.corpus, self.question), self.budget, self.policy)

    def _open_session(self, broker: Broker) -> Session:
        seconds = min(_CELL_SECONDS, max(1.0, self.budget.limits.seconds - self.budget.seconds))
        session = Session(
            self.image, limits=SessionLimits(seconds=seconds, host_call_bytes=_REPLY_BYTES), host_calls=broker.calls()
        )
        try:
            session.set_text("context", self.corpus.context)
            documents = [(d.name, d.kind, d.start, d.end) for d in self.corpus.documents]
            opened = session.run(_OPENING.format(documents=documents))
            if opened.error or opened.stopped:
                raise SandboxError(f"the session cannot be opened: {opened.error or opened.stopped}")
        except BaseException:
            session.close()
            raise
        return session

    def _start(self) -> RunStart:
        return RunStart(
            question=self.question,
            task_id=self.task_id,
            sources=self.sources,
            context_sha256=hashlib.sha256(self.corpus.context.encode("utf-8", "surrogatepass")).hexdigest(),
            context_tokens=self.context_tokens,
            documents=len(self.corpus.documents),
            model=self.model.name,
            model_sha256=self.model_sha256,
            template_sha256=self.model.template_sha256,
            prompt_version=PROMPT_VERSION,
            author=self.author,
            policy=self.policy.name,
            limits=asdict(self.budget.limits),
            seed=0,
        )

    def _answer(self, run_id: str, broker: Broker, ended: Ended, error: str) -> Answer:
        final = broker.final or Final(NOT_FOUND, found=False)
        if broker.final is not None and ended is not Ended.ERROR:
            ended = Ended.ANSWERED
        elif broker.refusal is not None and ended is Ended.ANSWERED:  # what was not looked at may hold it
            ended, error = Ended.BUDGET, str(broker.refusal)
        spent = self.budget.spent
        return Answer(
            run_id=run_id,
            question=self.question,
            answer=final.answer or NOT_FOUND,
            found=final.found,
            ended=ended,
            evidence=final.evidence,
            usage=Usage(
                prompt_tokens=spent.prompt_tokens,
                completion_tokens=spent.completion_tokens,
                leaf_calls=self.budget.calls,
                seconds=round(self.budget.seconds, 2),
            ),
            model=self.model.name,
            policy=self.policy.name,
            error=error,
        )


def _ending(answer: Answer) -> dict[str, object]:
    usage = answer.usage
    return {
        "found": answer.found,
        "ended": str(answer.ended),
        "error": answer.error,
        "tokens": usage.prompt_tokens + usage.completion_tokens,
        "calls": usage.leaf_calls,
        "seconds": usage.seconds,
    }
