"""A model in a process of its own, the same one in this process, and ways to end the former.

One thread each: threads of llama.cpp wait for each other in loops, which on a machine that is busy takes long.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlm_local.home import Home
from rlm_local.models import LlamaEngine, LocalModel, Message, Prompt

NAME = "smollm2-135m"


def asking(*things: str) -> list[Prompt]:
    return [Prompt((Message("system", "Name a colour."), Message("user", thing))) for thing in things]


@pytest.fixture(scope="session")
def direct(smollm_path: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(smollm_path, name=NAME, threads=1) as engine:
        yield engine


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A state directory where no answers are kept."""
    return Home(tmp_path_factory.mktemp("home"), leaf_cache=False)


@pytest.fixture(scope="session")
def local(smollm_path: Path, nowhere: Home) -> Iterator[LocalModel]:
    """Killed by some tests: the next call of another finds it alive again."""
    with LocalModel(smollm_path, name=NAME, home=nowhere, threads=1) as model:
        yield model


def worker(model: LocalModel) -> int:
    """The number of the process that a model is in."""
    model.count("one that lives")
    return model._process._process.pid


def kill(model: LocalModel, number: int) -> None:
    """Send a signal to the process that a model is in."""
    os.kill(model._process._process.pid, number)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what comes soon."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it does not come")


def gone(process: int) -> bool:
    """Whether a process has ended; one that nobody waited for has, too."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"
