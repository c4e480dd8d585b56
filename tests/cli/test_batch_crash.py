"""llama.cpp crashes in the middle of a batch: the question that was in it is lost and says so, the rest is answered."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from rlm_local.cli.app import app
from rlm_local.cli.shared import Loading, Shared
from rlm_local.engine.answer import Ended
from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Listener
from rlm_local.engine.leaves import WANTED
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import LocalModel, Prompt, Scores, ensure_model, resolve
from rlm_sandbox import Image
from tests.cli.test_batch import read_answers, write_tasks
from tests.engine.records import VISITS
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel
from tests.models.local.conftest import until, worker

NAME = "smollm2-135m"


class Judging(ScriptedModel):
    """Plans by a script, and judges items with a real model, whose process dies while it is asked for the second time.

    The process is stopped before it is asked, so that it dies between the question and the answer on any machine.
    """

    def __init__(self, local: LocalModel) -> None:
        program = "SELECT COUNT(*) FROM visits WHERE judge(patient, 'Is it sad?')"
        super().__init__(lambda _prompt: program, slot=writer(program).slot)
        self.local = local
        self.asked = 0

    def choose(self, prompts: Sequence[Prompt], options: Sequence[str], **_more: Any) -> list[Scores]:
        if tuple(options) == WANTED:
            return super().choose(prompts, options)
        self.asked += 1
        if self.asked != 2:
            return self.local.choose(prompts, options)
        process = worker(self.local)
        talks = self.local._process._talks
        before = len(talks)
        os.kill(process, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as other:
            scores = other.submit(self.local.choose, prompts, options)
            until(lambda: len(talks) > before)
            os.kill(process, signal.SIGSEGV)
            os.kill(process, signal.SIGCONT)
            return scores.result()

    def close(self) -> None:
        self.local.close()


def test_a_crash_of_native_code_costs_a_batch_one_question(image: Image, tmp_path: Path) -> None:
    weights = ensure_model(resolve(NAME), Home.default().models)
    home = Home(tmp_path / "home")
    (tmp_path / "visits.csv").write_text(VISITS)
    tasks, answers = tmp_path / "tasks.jsonl", tmp_path / "answers.jsonl"
    names = ("first", "second", "third", "fourth")
    question = "How many of the visits are sad?"
    write_tasks(tasks, [{"id": name, "question": question, "paths": ["visits.csv"]} for name in names])

    @contextmanager
    def make(_loading: Loading, home: Home, listener: Listener) -> Iterator[Engine]:
        local = LocalModel(weights, name=NAME, home=Home(tmp_path / "model", leaf_cache=False), threads=1)
        with Engine.of(resolve(NAME), Judging(local), image, RunStore(home.runs), listener) as engine:
            yield engine

    command = ["batch", str(tasks), "--out", str(answers)]
    result = CliRunner().invoke(app, command, obj=Shared(home, make))
    assert result.exit_code == 1, "some failed"
    rows = {row["id"]: row for row in read_answers(answers)}
    assert {name: row["ended"] for name, row in rows.items()} == {
        "first": "answered",
        "second": "error",
        "third": "answered",
        "fourth": "answered",
    }
    assert "llama.cpp's process died of SIGSEGV, and what was asked of it is lost" in rows["second"]["error"]
    store = RunStore(home.runs)
    for row in rows.values():
        record = store.get(row["run_id"])
        assert record.answer is not None
        assert (record.answer.ended is Ended.ERROR) == (row is rows["second"])
        [node] = record.nodes
        assert node.result is not None
        assert all(turn.end is not None for turn in node.turns)
    store.close()
