import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlm_local import Engine
from rlm_local.collection import CollectionError
from rlm_local.engine.answer import Ended
from rlm_local.engine.events import Event
from rlm_local.errors import UsageError
from rlm_local.log import RunStore, new_run_id
from rlm_local.models import Cancel, Prompt, resolve
from rlm_sandbox import Image
from tests.engine.records import DOCUMENTS, records, view_of
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel

COUNT = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled' AND department = 'Surgery'"
QUESTION = "How many visits to Surgery were cancelled?"


@pytest.fixture
def engine(image: Image, store: RunStore) -> Iterator[Engine]:
    with Engine.of(resolve("smollm2-135m"), writer(COUNT), image, store) as engine:
        yield engine


def test_documents_by_name_are_answered_from(engine: Engine) -> None:
    answer = engine.ask(QUESTION, DOCUMENTS, task_id="t1")
    assert (answer.answer, answer.ended, answer.policy) == ("1", Ended.ANSWERED, "prompted")
    assert answer.evidence[0].document == "visits.csv"


def test_folders_are_answered_from_and_the_log_has_it_all(engine: Engine, store: RunStore, tmp_path: Path) -> None:
    for name, text in DOCUMENTS.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    answer = engine.ask(QUESTION, [tmp_path / "in"], task_id="t1")
    record = store.get(answer.run_id)
    assert answer.answer == "1"
    assert record.answer == answer
    assert (record.start.task_id, record.start.sources) == ("t1", (str(tmp_path / "in"),))
    assert record.start.documents == 3


def test_a_collection_that_is_open_already_is_answered_from_under_a_name_of_ones_own(
    engine: Engine, store: RunStore
) -> None:
    run_id = new_run_id()
    answer = engine.ask(QUESTION, records(), run_id=run_id)
    assert (answer.answer, answer.run_id) == ("1", run_id)
    assert store.get(run_id).start.sources == records().sources
    assert len(engine.ask(QUESTION, DOCUMENTS).run_id) == 8  # the next one is named as ever


def test_events_tell_what_happens_and_an_own_listener_takes_them(engine: Engine) -> None:
    told: list[Event] = []
    engine.ask(QUESTION, DOCUMENTS, listener=told.append)
    kinds = [event.kind for event in told]
    assert kinds.index("decision") < kinds.index("cell") < kinds.index("output") < kinds.index("answer")
    assert told[-1].text == "1"


@pytest.mark.parametrize("question", ["", " \n\t"])
def test_an_empty_question_is_refused(engine: Engine, store: RunStore, question: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        engine.ask(question, DOCUMENTS)
    assert store.list(10) == []


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 0},
        {"max_calls": -1},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"author": "nonesuch"},
        {"author": "free", "policy": "rules"},
        {"author": "guided"},
        {"author": "programs", "policy": "free"},
        {"policy": "nonesuch"},
        {"policy": "forced:nonesuch"},
        {"price": "nonesuch"},
        {"price": -1.0},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(engine: Engine, store: RunStore, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        engine.ask(QUESTION, DOCUMENTS, **options)
    assert store.list(10) == []


def test_one_string_is_not_a_list_of_paths(engine: Engine) -> None:
    with pytest.raises(UsageError, match="list"):
        engine.ask(QUESTION, "records/")


def test_nothing_to_read_is_told(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="nonesuch"):
        engine.ask(QUESTION, [tmp_path / "nonesuch"])
    with pytest.raises(CollectionError, match="nothing readable"):
        engine.ask(QUESTION, {})


def test_a_cancel_of_the_callers_own_stops_the_run(engine: Engine) -> None:
    cancel = Cancel()
    cancel.cancel()
    assert engine.ask(QUESTION, DOCUMENTS, cancel=cancel).ended is Ended.CANCELLED


def test_an_answer_that_arrived_is_one_whatever_a_limit_says_afterwards(engine: Engine) -> None:
    cancel = Cancel()

    def tell(event: Event) -> None:
        if event.kind == "output":
            cancel.cancel()

    answer = engine.ask(QUESTION, DOCUMENTS, cancel=cancel, listener=tell)
    assert (answer.answer, answer.ended) == ("1", Ended.ANSWERED)


def test_asking_from_a_coroutine(engine: Engine) -> None:
    answer = asyncio.run(engine.ask_async(QUESTION, DOCUMENTS, task_id="t2"))
    assert answer.answer == "1"


def test_cancelling_the_task_cancels_the_run_and_waits_for_its_log(image: Image, store: RunStore) -> None:
    asked, cancelled = threading.Event(), threading.Event()

    def reply(_prompt: Prompt) -> str:
        asked.set()
        assert cancelled.wait(20)
        return "while True: pass"

    async def main(engine: Engine) -> None:
        task = asyncio.create_task(engine.ask_async("?", DOCUMENTS, author="free"))
        await asyncio.to_thread(asked.wait, 20)
        task.cancel()
        asyncio.get_running_loop().call_soon(cancelled.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    with Engine.of(resolve("smollm2-135m"), ScriptedModel(reply), image, store) as engine:
        asyncio.run(main(engine))
        record = store.get("last")
    assert record.answer is not None
    assert record.answer.ended is Ended.CANCELLED


def test_a_run_is_resumed_with_its_own_options_over_the_same_documents(engine: Engine, store: RunStore) -> None:
    form = {"type": "integer"}
    cut = engine.ask(
        QUESTION, records(), max_tokens=10, timeout=60, task_id="t", schema=form, price=0.25, length="short"
    )
    record = store.get(cut.run_id)
    assert record.start.length == "short"
    again = store.get(engine.resume(record, records()).run_id).start
    assert again == replace(record.start, resumes=cut.run_id)
    with pytest.raises(UsageError, match="not what run"):
        engine.resume(record, view_of({"a.txt": "Other."}))
    with pytest.raises(UsageError, match="is of the author guided"):
        engine.resume(replace(record, start=replace(record.start, author="guided")), records())
    answered = store.get(engine.ask(QUESTION, DOCUMENTS).run_id)
    with pytest.raises(UsageError, match="was answered"):
        engine.resume(answered, records())
