"""A model over the boundary is the same as without."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlm_local.home import Home
from rlm_local.models import (
    Cancel,
    Cancelled,
    DeadlineExceeded,
    LlamaEngine,
    LocalModel,
    Message,
    Prompt,
    PromptTooLong,
    Usage,
)
from rlm_local.models.errors import AdapterError, EngineError, GgufError, GrammarError
from tests.models.local.conftest import NAME, asking, until, worker
from tests.models.lora import make_adapter

THINGS = ("a leaf", "the sky", "blood", "snow")
OPTIONS = ("red", "blue", "green", "white")


def test_it_says_the_same_of_itself_and_of_texts(direct: LlamaEngine, local: LocalModel):
    assert (local.name, local.n_ctx) == (direct.name, direct.n_ctx)
    assert local.template_sha256 == direct.template_sha256
    for text in ("", "plain words", "€ \ud800 <|im_end|>", "long " * 5000):
        assert local.count(text) == direct.count(text)
    [prompt] = asking("a leaf")
    assert local.encode(prompt) == direct.encode(prompt)


def test_every_kind_of_call_gives_the_same(direct: LlamaEngine, local: LocalModel):
    def twice(model: LlamaEngine | LocalModel, name: str, arguments: dict[str, Any]) -> list[Any]:
        """The second time, so that both have the same in the KV; what is there of other tests is in the usage."""
        made = [getattr(model, name)(asking(*THINGS), **arguments) for _ in range(2)]
        return [replace(each, usage=Usage()) for each in made[1]]

    kinds: list[tuple[str, dict[str, Any]]] = [
        ("choose", {"options": OPTIONS, "bias": [0.0, 0.5, 0.0, 0.0], "neutral": asking("N/A")}),
        ("generate", {"max_tokens": 12, "stop": (".",)}),
        ("generate", {"max_tokens": 8, "temperature": 0.7, "seed": 5}),
        ("extract", {"grammar": 'root ::= "red" | "blue" | "white"', "max_tokens": 6}),
    ]
    for name, arguments in kinds:
        assert twice(local, name, arguments) == twice(direct, name, arguments)
        assert getattr(local, name)([], **arguments) == []


def test_a_cursor_writes_the_same(direct: LlamaEngine, local: LocalModel):
    def write(model: LlamaEngine | LocalModel) -> list[object]:
        [prompt] = asking("a leaf")
        with model.cursor(prompt) as cursor:
            cursor.append("It is ")
            place = cursor.mark()
            said: list[object] = [cursor.choose(OPTIONS), cursor.text]
            cursor.rewind(place)
            said += [cursor.choose(OPTIONS, bias=[0.0, 0.0, 0.0, 99.0]), cursor.text]
            said += [cursor.write(stop=["\n"], max_tokens=8, allow=lambda text: "e" not in text)]
            return [*said, cursor.text, cursor.token_ids, cursor.usage]

    for model in (local, direct):  # so that both have the same in the KV
        write(model)
    assert write(local) == write(direct)


def test_callers_are_told_in_their_own_thread_as_it_comes(local: LocalModel):
    done: list[int] = []
    texts = [""] * len(THINGS)
    threads: set[threading.Thread] = set()

    def on_done(index: int) -> None:
        threads.add(threading.current_thread())
        done.append(index)

    def on_text(index: int, text: str) -> None:
        threads.add(threading.current_thread())
        texts[index] += text

    made = local.generate(asking(*THINGS), max_tokens=9, on_done=on_done, on_text=on_text)
    assert sorted(done) == list(range(len(THINGS)))
    assert texts == [each.text for each in made]
    assert threads == {threading.current_thread()}


def test_the_model_leaves_the_processor_to_who_waits_for_it(local: LocalModel):
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, worker(local)) == min(own + 5, 19)


def test_many_threads_ask_at_once(direct: LlamaEngine, local: LocalModel):
    def ask(number: int) -> tuple[str, ...]:
        return tuple(made.text for made in local.generate(asking(f"thing {number}", "snow"), max_tokens=4))

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(ask, range(32)))
    assert len(replies) == 32
    assert all(len(reply) == 2 for reply in replies)


def test_what_is_wrong_with_a_call_is_told_as_without_a_boundary(local: LocalModel):
    prompts = asking("a leaf")
    with pytest.raises(PromptTooLong) as long:
        local.choose([Prompt((Message("user", "word " * 9000),))], OPTIONS)
    assert (long.value.prompt_tokens > 9000, long.value.context_tokens) == (True, local.n_ctx)
    assert long.value.remedy
    with pytest.raises(ValueError, match="options must differ") as twice:
        local.choose(prompts, ["red", "red"])
    assert "options.py" in twice.value.__notes__[0], "where it was raised"
    with pytest.raises(GrammarError):
        local.extract(prompts, grammar="no grammar", max_tokens=3)
    with pytest.raises(AdapterError):
        local.generate(prompts, max_tokens=3, adapters={"nobody's": 1.0})
    with local.cursor(prompts[0]) as cursor:
        with pytest.raises(IndexError):
            cursor.rewind(7)
        assert cursor.choose(OPTIONS).option in OPTIONS


def test_what_cannot_be_opened_is_told_and_leaves_no_process(tmp_path: Path, nowhere: Home):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF and no more")
    threads = threading.active_count()
    model = LocalModel(bad, name="bad", home=nowhere)
    for _ in range(2):
        with pytest.raises(GgufError):
            model.wait()
    until(lambda: threading.active_count() == threads)


def test_what_is_asked_before_the_model_is_open_waits_for_it(smollm_path: Path, nowhere: Home, direct: LlamaEngine):
    model = LocalModel(smollm_path, name=NAME, home=nowhere, threads=1)
    assert model.count("a boat") == direct.count("a boat")
    assert model.template_sha256 == direct.template_sha256
    model.close()


def test_a_call_is_cancelled_over_the_boundary(local: LocalModel):
    cancel = Cancel()
    told: list[int] = []

    def stop(index: int, _text: str) -> None:
        told.append(index)
        cancel.cancel()

    with pytest.raises(Cancelled) as caught:
        local.generate(asking(*THINGS), max_tokens=2000, cancel=cancel, on_text=stop)
    assert caught.value.usage.prompt_tokens > 0, "what it had cost"
    with pytest.raises(Cancelled):
        local.choose(asking("a leaf"), OPTIONS, cancel=cancel)


def test_a_deadline_holds_over_the_boundary(local: LocalModel):
    with pytest.raises(DeadlineExceeded):
        local.generate(asking("a leaf"), max_tokens=4000, cancel=Cancel(deadline=time.monotonic() + 0.2))


def test_a_cursor_is_cancelled_over_the_boundary(local: LocalModel):
    cancel = Cancel()
    with local.cursor(asking("a leaf")[0], cancel=cancel) as cursor:
        cursor.append("Once upon a time there was a")

        def allow(_text: str) -> bool:
            cancel.cancel()
            return True

        with pytest.raises(Cancelled):
            cursor.write(stop=[], max_tokens=2000, allow=allow)
        with pytest.raises(Cancelled):
            cursor.choose(OPTIONS)


def test_callers_with_one_cancel_are_one_caller():
    from rlm_local.models.local.worker import _Cancel

    assert _Cancel(1, None) == _Cancel(1, 5.0)
    assert hash(_Cancel(1, None)) == hash(_Cancel(1, 5.0))
    assert _Cancel(1, None) != _Cancel(2, None)


def test_what_a_callback_raises_ends_the_call_and_nothing_else(local: LocalModel):
    class OwnError(Exception):
        pass

    def fail(*_: object) -> bool:
        raise OwnError

    with pytest.raises(OwnError):
        local.generate(asking(*THINGS), max_tokens=2000, on_text=fail)
    with local.cursor(asking("a leaf")[0]) as cursor:
        with pytest.raises(OwnError):
            cursor.write(stop=[], max_tokens=5, allow=fail)
        with pytest.raises(EngineError, match="the reply was left"):
            cursor.choose(OPTIONS)
    with pytest.raises(EngineError, match="the reply was left"):
        cursor.append("more")
    assert local.choose(asking("a leaf"), OPTIONS)


def test_what_cannot_be_sent_is_told_to_the_sender(local: LocalModel):
    process = worker(local)
    with pytest.raises(Exception, match="pickle"):
        local.count(threading.Lock())  # pyright: ignore[reportArgumentType]
    assert worker(local) == process


def test_answers_are_kept_by_the_process(smollm_path: Path, tmp_path: Path):
    def cost() -> int:
        with LocalModel(smollm_path, name=NAME, home=Home(tmp_path), threads=1) as model:
            [score] = model.choose(asking("a leaf"), OPTIONS)
            return score.usage.prompt_tokens

    assert cost() > 0
    assert cost() == 0


def test_an_adapter_is_loaded_there(direct: LlamaEngine, local: LocalModel, smollm_path: Path, tmp_path: Path):
    adapter = make_adapter(tmp_path / "adapter.gguf", smollm_path, seed=1)
    for model in (direct, local):
        model.load_adapter("made up", adapter)
    prompts = asking(*THINGS)
    with_it, without = (local.choose(prompts, OPTIONS, adapters=each) for each in ({"made up": 1.0}, {}))
    assert with_it == direct.choose(prompts, OPTIONS, adapters={"made up": 1.0})
    assert with_it[0].logprobs != without[0].logprobs
