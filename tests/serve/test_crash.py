"""llama.cpp crashes while eight clients wait: each loses the question that was in it, and the next is answered."""

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rlm_local.engine.answer import Ended
from rlm_local.home import Home
from rlm_local.models import Cancel, LocalModel, Prompt, Scores, ensure_model, resolve
from tests.engine.script import writer
from tests.models.fakes import ScriptedModel
from tests.models.local.conftest import kill
from tests.serve.conftest import StartServer
from tests.serve.test_runs import ask, follow

CLIENTS = 8
_ROUNDS = 100  # so that no call is through before the last client's has begun
QUESTION = "How many of the visits are sad?"


class Judging(ScriptedModel):
    """Plans by a script, and judges items with a real model in a process of its own.

    Attributes:
        begun: counts the calls whose first item was judged; they go on when `on` is set.
    """

    def __init__(self, local: LocalModel) -> None:
        program = "SELECT COUNT(*) FROM visits WHERE judge(patient, 'Is it sad?')"
        super().__init__(lambda _prompt: program, slot=writer(program).slot)
        self.local = local
        self.begun = threading.Semaphore(0)
        self.on = threading.Event()

    def choose(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[str],
        *,
        cancel: Cancel | None = None,
        on_done: Callable[[int], None] | None = None,
        **_more: Any,
    ) -> list[Scores]:
        def told(index: int) -> None:
            self.begun.release()
            self.on.wait(60)
            if on_done is not None:
                on_done(index)

        rounds = 1 if self.on.is_set() else _ROUNDS
        return self.local.choose([*prompts] * rounds, options, cancel=cancel, on_done=told)[: len(prompts)]

    def close(self) -> None:
        self.local.close()


def test_a_crash_of_native_code_costs_each_client_one_question(start: StartServer, tmp_path: Path) -> None:
    weights = ensure_model(resolve("smollm2-135m"), Home.default().models)
    local = LocalModel(weights, name="smollm2-135m", home=Home(tmp_path / "model", leaf_cache=False), threads=1)
    model = Judging(local)
    server = start(model, at_once=CLIENTS)
    with server.client() as client, ThreadPoolExecutor(CLIENTS) as clients:
        runs = [ask(client, QUESTION) for _ in range(CLIENTS)]
        for _ in runs:
            assert model.begun.acquire(timeout=60)
        kill(local, signal.SIGSEGV)
        model.on.set()
        answers = [told[-1]["data"]["answer"] for told in clients.map(lambda run: follow(client, run), runs)]
        assert [answer for answer in answers if "llama.cpp's process died of SIGSEGV" not in answer["error"]] == []
        for run in runs:
            record = server.service.store.get(run)
            assert record.answer is not None
            assert record.answer.ended is Ended.ERROR
            [node] = record.nodes
            assert node.result is not None
            assert all(turn.end is not None for turn in node.turns)
        assert follow(client, ask(client, QUESTION))[-1]["data"]["answer"]["ended"] == "answered"
    assert server.service.audit.verify().problems == ()
