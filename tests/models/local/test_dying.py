"""The worker dies, at every moment; the model does not."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.models import Cancel, Cancelled, LlamaEngine, LocalModel
from rlm_local.models.errors import AdapterError, EngineError, WorkerDied
from tests.models.local.conftest import NAME, asking, gone, kill, until, worker
from tests.models.lora import make_adapter

OPTIONS = ("red", "blue", "green")
LONG = 4000  # tokens of a reply that is still going on when the process dies


def test_death_in_a_batch_ends_the_calls_in_it_and_the_next_is_answered(direct: LlamaEngine, local: LocalModel):
    process = worker(local)
    under_way = threading.Barrier(9)

    def ask(number: int) -> Exception | None:
        first = threading.Event()

        def on_text(_index: int, _text: str) -> None:
            if not first.is_set():
                first.set()
                under_way.wait(60)

        try:
            local.generate(asking(f"thing {number}"), max_tokens=500, on_text=on_text)
        except WorkerDied as error:
            return error
        return None

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, number) for number in range(8)]
        under_way.wait(60)
        kill(local, signal.SIGSEGV)
        errors = [call.result(60) for call in calls]
    assert all("llama.cpp's process died of SIGSEGV" in str(error) for error in errors)
    assert len({id(error) for error in errors}) == 8, "each caller has an error of its own"
    assert local.choose(asking("snow"), OPTIONS)[0].best == direct.choose(asking("snow"), OPTIONS)[0].best
    assert worker(local) != process
    assert gone(process)


@pytest.mark.parametrize("moment", ["between two steps", "in a callback"])
def test_death_in_a_cursor(local: LocalModel, moment: str):
    def die(_text: str = "") -> bool:
        kill(local, signal.SIGABRT)
        until(lambda: dead.death is not None)
        return True

    worker(local)
    dead = local._process
    with local.cursor(asking("a leaf")[0]) as cursor:
        cursor.choose(OPTIONS)
        if moment == "between two steps":
            die()
        with pytest.raises(WorkerDied, match="SIGABRT"):
            cursor.write(stop=[], max_tokens=LONG, allow=die)
        with pytest.raises(WorkerDied):
            cursor.append("more")
        with local.cursor(asking("a leaf")[0]) as another:
            assert another.choose(OPTIONS).option in OPTIONS


def test_death_while_nobody_asks_is_noticed_by_nobody(local: LocalModel):
    process = worker(local)
    kill(local, signal.SIGKILL)
    until(lambda: local._process.death is not None)
    assert local.choose(asking("a leaf"), OPTIONS)
    assert gone(process)


def test_death_of_a_process_that_takes_all_memory_is_told_as_that(local: LocalModel):
    worker(local)
    with pytest.raises(WorkerDied, match="SIGKILL") as caught:
        local.generate(asking("a"), max_tokens=LONG, on_text=lambda *_: kill(local, signal.SIGKILL))
    assert "memory" in caught.value.remedy


def test_the_next_process_has_the_adapters(direct: LlamaEngine, local: LocalModel, smollm_path: Path, tmp_path: Path):
    kept = make_adapter(tmp_path / "kept.gguf", smollm_path, seed=7)
    removed = make_adapter(tmp_path / "removed.gguf", smollm_path, seed=8)
    for name, path in (("kept", kept), ("removed", removed)):
        local.load_adapter(name, path)
    direct.load_adapter("kept", kept)
    removed.unlink()
    kill(local, signal.SIGSEGV)
    until(lambda: local._process.death is not None)
    prompts = asking("a leaf", "snow")
    with pytest.raises(AdapterError, match="removed"):
        local.choose(prompts, OPTIONS, adapters={"removed": 1.0})
    assert local.choose(prompts, OPTIONS, adapters={"kept": 1.0}) == direct.choose(
        prompts, OPTIONS, adapters={"kept": 1.0}
    )


def test_one_that_dies_again_and_again_at_once_is_not_started_for_ever(smollm_path: Path, nowhere: Home):
    with LocalModel(smollm_path, name=NAME, home=nowhere, threads=1) as model:
        for _ in range(3):
            assert worker(model)
            kill(model, signal.SIGILL)
            until(lambda: model._process.death is not None)
        with pytest.raises(WorkerDied, match=r"started 3 times.* SIGILL.*processor") as caught:
            model.choose(asking("a leaf"), OPTIONS)
        assert "The next start is possible in" in caught.value.remedy
        with pytest.raises(WorkerDied, match="started 3 times"):
            model.count("still")


def test_weights_that_are_gone_by_the_next_start_are_told(smollm_path: Path, tmp_path: Path, nowhere: Home):
    weights = tmp_path / "weights.gguf"
    os.link(smollm_path, weights)
    with LocalModel(weights, name=NAME, home=nowhere, threads=1) as model:
        weights.unlink()
        kill(model, signal.SIGSEGV)
        until(lambda: model._process.death is not None)
        with pytest.raises(Exception, match=r"weights\.gguf"):
            model.choose(asking("a leaf"), OPTIONS)


def test_a_call_may_be_cancelled_while_the_next_process_starts(local: LocalModel):
    worker(local)
    kill(local, signal.SIGSEGV)
    until(lambda: local._process.death is not None)
    cancel = Cancel()
    threading.Timer(0.05, cancel.cancel).start()
    with pytest.raises(Cancelled):
        local.generate(asking("a leaf"), max_tokens=LONG, cancel=cancel)


def test_a_process_that_hangs_keeps_nobody_who_gave_up(local: LocalModel):
    process, cancel = worker(local), Cancel()

    def stop(_index: int, _text: str) -> None:
        os.kill(process, signal.SIGSTOP)
        cancel.cancel()

    try:
        with pytest.raises(Cancelled):
            local.generate(asking("a leaf"), max_tokens=LONG, cancel=cancel, on_text=stop)
    finally:
        os.kill(process, signal.SIGCONT)
    assert worker(local) == process


def test_signals_to_a_program_are_for_its_parent(local: LocalModel):
    process = worker(local)
    for number in (signal.SIGINT, signal.SIGTERM):
        kill(local, number)
    assert local.choose(asking("a leaf"), OPTIONS)
    assert worker(local) == process


def test_closing_ends_the_process_and_what_is_in_it(smollm_path: Path, nowhere: Home):
    begun = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with LocalModel(smollm_path, name=NAME, home=nowhere, threads=1) as model:
            process = worker(model)
            call = pool.submit(model.generate, asking("a leaf"), max_tokens=LONG, on_text=lambda *_: begun.set())
            begun.wait(60)
        assert isinstance(call.exception(60), EngineError)
        assert not isinstance(call.exception(60), WorkerDied)
    assert gone(process)
    with pytest.raises(EngineError, match="closed"):
        model.count("more")


HOLDER = """
import os, sys
from pathlib import Path
from rlm_local.home import Home
from rlm_local.models import Message, Prompt, LocalModel
model = LocalModel(Path(sys.argv[1]), name="held", home=Home(Path(sys.argv[2])), threads=1)
if sys.argv[3] == "fork" and os.fork() == 0:  # which keeps the pipe open
    os.read(0, 1)
    os._exit(0)
prompt = Prompt((Message("user", "Tell a story."),))
model.generate([prompt], max_tokens=4000, on_text=lambda *_: print(model._process._process.pid, flush=True))
"""


@pytest.mark.parametrize("way", ["alone", "fork"])
def test_it_ends_with_the_process_that_started_it(smollm_path: Path, tmp_path: Path, way: str):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(smollm_path), str(tmp_path), way],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with holder:
        assert holder.stdout
        process = int(holder.stdout.readline())
        assert not gone(process)
        holder.kill()
        holder.wait()
        until(lambda: gone(process))
