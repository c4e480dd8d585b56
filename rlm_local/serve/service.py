"""The parts of a server, and the way of a question through them."""

import asyncio
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from rlm_local.collection.view import View
from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.conversation import Exchange
from rlm_local.engine.events import Event, Listener, ignore
from rlm_local.engine.question import check_question
from rlm_local.engine.replay import Replayed
from rlm_local.engine.typed import AnswerSchema
from rlm_local.errors import RlmLocalError, UsageError
from rlm_local.home import Home
from rlm_local.log import RunOutline, RunRecord, RunStore, new_run_id
from rlm_local.models import Cancel
from rlm_local.serve.access import Caller
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.collections import Collections
from rlm_local.serve.desk import Desk
from rlm_local.serve.engines import Engines, MakeEngine
from rlm_local.serve.erasure import Erasure, Removed
from rlm_local.serve.errors import BadRequestError, NotFoundError
from rlm_local.serve.files import MESSAGES, FileStore, Readable, StoredFile
from rlm_local.serve.jobs import Job, JobBook
from rlm_local.serve.keys import KeyRing
from rlm_local.serve.live import Live
from rlm_local.serve.metrics import Metrics
from rlm_local.serve.models import find
from rlm_local.serve.settings import Settings
from rlm_local.serve.slow import Slow
from rlm_local.serve.state import open_state
from rlm_local.serve.visits import Visits
from rlm_sandbox import SandboxError


class Service:
    """Opened once for a state directory; `close` is the end of it.

    Raises:
        StoreError, HomeError: the state directory cannot be used.
    """

    def __init__(self, settings: Settings, home: Home, make_engine: MakeEngine) -> None:
        self.settings = settings
        self.home = home
        self.state = open_state(home)
        self.store = RunStore(home.runs, home.key)
        self.keys = KeyRing(self.state)
        self.files = FileStore(
            self.state,
            home.serve / "files",
            most_bytes=settings.upload_bytes,
            quota_bytes=settings.quota_bytes,
            key=home.key,
        )
        self.jobs = JobBook(self.state)
        self.audit = AuditLog.of(home, texts=settings.audit_texts)
        self.visits = Visits(self.audit)
        self.erasure = Erasure(home, self.store, self.state, self.audit)
        self.metrics = Metrics()
        self.collections = Collections(home, self.files, settings.folders)
        self.engines = Engines(make_engine, idle_seconds=settings.idle_seconds)
        self.desk = Desk(settings, self.jobs, self.metrics, self._work)
        self.slow = Slow()
        self._replaying = Lock()
        self.folders = {path.resolve().name: path for path in settings.folders}

    def open(self) -> None:
        """Marks what a server that died left unfinished."""
        self.files.tidy()
        interrupted = [job.run_id for job in self.jobs.interrupt()]
        self.audit.record("server", "start", interrupted=interrupted)

    def warm_up(self, cancel: Cancel) -> None:
        """Loads the server's model, so that the first question need not wait. `/ready` says whether it worked."""
        with suppress(RlmLocalError, SandboxError), self.engines.lease(self.settings.model, cancel):
            pass

    def close(self) -> None:
        self.visits.close()
        self.audit.record("server", "stop")
        self.slow.close()
        self.engines.close()
        self.store.close()
        self.state.close()

    def upload(self, caller: Caller, name: str, source: Readable, purpose: str) -> StoredFile:
        """Keeps a file, recorded before it can be found.

        Raises:
            BadRequestError: it has no name, is empty or too large. StoreError: it cannot be kept or recorded.
        """

        def record(file: StoredFile) -> None:
            self.audit.record(
                caller.name, "upload", file=file.id, name=self.audit.told(file.name), bytes=file.size, purpose=purpose
            )

        return self.files.add(caller.owner, name, source, purpose=purpose, before=record)

    async def cancel(self, caller: Caller, live: Live) -> None:
        """Stops a run that is under way, once that is recorded; one that waits has ended then."""
        await asyncio.to_thread(self.audit.record, caller.name, "cancel", run=live.job.run_id)
        self.desk.cancel(live)
        if live.state == "queued":
            async for _ in live.follow():
                pass

    def accept(
        self,
        caller: Caller,
        question: str,
        model: str,
        *,
        files: Sequence[str] = (),
        folders: Sequence[str] = (),
        texts: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        resumes: str | None = None,
        follows: str | None = None,
        before: tuple[Exchange, ...] | None = None,
    ) -> Job:
        """A question, checked and on the disk; it is recorded before it is worked on.

        Without files, texts and folders it is over what the run that it follows was over, else over all folders that
        are shared. Texts, by name, are kept as files of the caller once all else is found right, so that evidence can
        be opened. `follows` and `before` are as for `Engine.ask`.

        Raises:
            BadRequestError, NotFoundError, UsageError: it asks for what there is not, over nothing, or by no schema.
            StoreError: it cannot be recorded.
        """
        try:
            check_question(question)
        except UsageError as error:
            code = "long_question" if question.strip() else "empty_question"
            raise BadRequestError(error.message, remedy=error.remedy, code=code) from error
        try:
            "".join((question, model, *files, *folders)).encode()
        except UnicodeEncodeError as error:
            raise BadRequestError("the request has half characters (lone surrogates)", code="no_text") from error
        followed = self.jobs.get(caller.sees, follows) if follows else None
        if options and "schema" in options:
            AnswerSchema(options["schema"])
        found = find(model, self.settings, self.home)
        files, folders = tuple(dict.fromkeys(files)), tuple(dict.fromkeys(folders))
        written = {name: text.encode("utf-8", "replace") for name, text in (texts or {}).items()}
        self._check_size(caller, files, sum(map(len, written.values())))
        for folder in folders:
            self._folder(folder)
        if not files and not folders and not written and followed:
            files, folders = followed.files, followed.folders
        if not files and not folders and not written:
            folders = tuple(self.folders)
            if not folders:
                raise BadRequestError(
                    "there is nothing to read",
                    remedy="Upload files and name them, put the text into the messages, or share a folder: "
                    "`rlm-local serve FOLDER`",
                    code="no_documents",
                )
        kept = [self.upload(caller, name, io.BytesIO(data), MESSAGES).id for name, data in written.items()]
        job = Job(
            run_id=new_run_id(),
            owner=caller.owner,
            question=question,
            model=found.name,
            files=(*kept, *files),
            folders=folders,
            options={**found.options, **(options or {})},
            resumes=resumes,
            follows=follows,
            before=before,
        )
        self.audit.record(
            caller.name,
            "ask",
            run=job.run_id,
            question=self.audit.told(question),
            model=job.model,
            files=job.files,
            folders=job.folders,
            resumes=job.resumes,
            follows=job.follows,
        )
        self.jobs.accept(job)
        return job

    def _check_size(self, caller: Caller, files: Sequence[str], more: int) -> None:
        """That the files are the caller's, and with `more` bytes of texts no more than a question may be over."""
        if sum(self.files.get(caller.sees, file).size for file in files) + more > self.settings.question_bytes:
            raise BadRequestError(
                f"a question here is over at most {self.settings.question_bytes >> 20} MB of files",
                remedy="Name fewer of them, or ask the administrator to share a folder",
                code="too_much",
            )
        if more:
            self.files.check_room(caller.owner, more)

    def accept_again(self, caller: Caller, run_id: str) -> Job:
        """The same as a job of its own, which goes on with a run that is over and did not come to its end.

        Raises:
            BadRequestError: it was answered.
            NotFoundError: there is no such run, or what it was over is gone.
            StoreError: it cannot be recorded.
        """
        job, answer = self.jobs.get(caller.sees, run_id), self.answer(run_id)
        if answer and answer.ended is Ended.ANSWERED:
            raise BadRequestError(f"run {run_id} was answered: there is nothing to go on with", code="answered")
        return self.accept(
            caller,
            job.question,
            job.model,
            files=job.files,
            folders=job.folders,
            options=job.options,
            resumes=run_id,
            follows=job.follows,
            before=job.before,
        )

    async def delete_runs(self, caller: Caller, runs: Sequence[str]) -> Removed:
        """Deletes runs that have ended, with all that was derived from them.

        Raises:
            BadRequestError: one is under way. StoreError: see `Erasure`.
        """
        self._refuse_under_way(runs)
        return self._forgotten(await self.slow.run(self.erasure.runs, caller.name, runs))

    async def delete_file(self, caller: Caller, file: StoredFile, *, keep_runs: bool) -> Removed:
        """Deletes an uploaded file, and the runs over it unless they are kept.

        Raises:
            BadRequestError: such a run is under way. StoreError: see `Erasure`.
        """
        self._refuse_under_way((await asyncio.to_thread(self.jobs.uses)).get(file.id, ()))
        return self._forgotten(await self.slow.run(self.erasure.files, caller.name, [file], keep_runs=keep_runs))

    async def purge(self, caller: Caller, seconds: float) -> Removed:
        """Deletes the caller's runs that are older than some seconds; where the caller administers, all such runs."""
        return await self._purge(caller.name, seconds, owner=caller.sees)

    async def expire(self) -> Removed:
        """Deletes runs and uploads that are older than the server was told to keep them."""
        seconds = self.settings.retention_seconds
        return Removed() if seconds is None else await self._purge("retention", seconds, uploads=True)

    async def _purge(self, who: str, seconds: float, *, owner: str | None = None, uploads: bool = False) -> Removed:
        older = partial(self.erasure.older, who, time.time() - seconds, owner=owner, uploads=uploads)
        return self._forgotten(await self.slow.run(older, spare=self._under_way))

    @property
    def _under_way(self) -> set[str]:
        return {live.job.run_id for live in self.desk.under_way}

    def _refuse_under_way(self, runs: Iterable[str]) -> None:
        if busy := self._under_way.intersection(runs):
            raise BadRequestError(f"run {min(busy)} is under way", remedy="Cancel it first", code="under_way")

    def _forgotten(self, removed: Removed) -> Removed:
        self.desk.forget(removed.runs)
        return removed

    def answer(self, run_id: str) -> Answer | None:
        """The answer in the log; None where the run did not come to one, or never began."""
        summary = self.store.summary(run_id)
        return summary.answer if summary else None

    def outline(self, run_id: str) -> RunOutline | None:
        """The tree of a run; None where it has not begun."""
        return self.store.outline(run_id) if self.store.summary(run_id) else None

    def sources(self, run_id: str) -> tuple[str, ...]:
        """What a run is over, by name."""
        job = self.jobs.find(run_id)
        if job is None:
            return self.store.get(run_id).start.sources
        return (*(self.files.get(None, file).name for file in job.files if self.files.known(file)), *job.folders)

    def document(self, run_id: str, name: str, cancel: Cancel) -> tuple[str, bool]:
        """The text of a document of a run as it is now, and whether the run's documents have changed since.

        Raises:
            NotFoundError: the documents are gone, or none has that name.
            CollectionError: there is nothing to read any more.
        """
        record = self.store.get(run_id)
        with closing(self._again(record, cancel)) as view:
            document = next((document for document in view.documents if document.name == name), None)
            if document is None:
                raise NotFoundError(f"run {run_id} has no document of that name", code="document_not_found")
            return view.text(document.start, document.end), view.sha256 != record.start.context_sha256

    def replay(self, run_id: str, cancel: Cancel) -> Replayed:
        """Runs the cells of a run again with the log in the model's place; one run at a time.

        Raises:
            UsageError: its documents have changed, or it cannot be run again. NotFoundError: they are gone.
        """
        record = self.store.get(run_id)
        job = self.jobs.find(run_id)
        model = find(job.model, self.settings, self.home).model if job else record.start.model
        with (
            closing(self._again(record, cancel)) as view,
            self._replaying,
            self.engines.lease(model, cancel) as engine,
        ):
            return engine.replay(record, view, cancel)

    def _again(self, record: RunRecord, cancel: Cancel) -> View:
        """What a run was over, as it is now."""
        if job := self.jobs.find(record.run_id):
            return self.open_collection(job, cancel)
        return self.collections.open((), [Path(source) for source in record.start.sources], cancel)

    def open_collection(self, job: Job, cancel: Cancel, tell: Listener = ignore) -> View:
        """What a job is over, as it is now; whoever opens it closes it.

        Raises:
            NotFoundError: a file was deleted, or a folder is not shared any more.
            CollectionError: there is nothing to read.
        """
        files = [self.files.get(None, file) for file in job.files]
        return self.collections.open(files, [self._folder(folder) for folder in job.folders], cancel, tell)

    def _folder(self, name: str) -> Path:
        if name not in self.folders:
            raise NotFoundError(f"no folder {name!r} is shared", code="folder_not_found")
        return self.folders[name]

    def _work(self, live: Live, listener: Listener) -> Answer:
        job = live.job
        live.cancel.check()
        model = find(job.model, self.settings, self.home).model
        if model not in self.engines.loaded:
            listener(Event("setup", f"loading {model}"))
        with self.engines.lease(model, live.cancel) as engine:
            live.cancel.check()
            listener(Event("documents", "reading the documents"))
            with closing(self.open_collection(job, live.cancel, listener)) as view:
                listener(Event("documents", f"{len(view.documents):,} documents, {view.characters:,} characters"))
                if job.resumes and self.store.summary(job.resumes):
                    before = self.store.get(job.resumes)
                    answer = engine.resume(before, view, live.cancel, run_id=job.run_id, listener=listener)
                else:
                    left = live.cancel.remaining  # by waiting and reading
                    talk = {"follows": job.follows, "before": job.before}
                    options: dict[str, Any] = {**job.options, **talk, "timeout": left}
                    answer = engine.ask(
                        job.question, view, run_id=job.run_id, cancel=live.cancel, listener=listener, **options
                    )
        self.metrics.tokens.labels("prompt").inc(answer.usage.prompt_tokens)
        self.metrics.tokens.labels("completion").inc(answer.usage.completion_tokens)
        for node in self.store.outline(job.run_id).nodes:
            for kind, calls in node.calls.items():
                self.metrics.calls.labels(kind).inc(calls)
        return answer
