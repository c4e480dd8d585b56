"""Models of a server: loaded when asked for, unloaded when nobody asks."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Event, Listener
from rlm_local.models import Cancel, Cancelled
from rlm_local.models.errors import LoadError
from rlm_local.serve.engines import Engines


@dataclass
class Made:
    """What was loaded and unloaded, in order."""

    told: list[str] = field(default_factory=list[str])
    broken: bool = False
    may: threading.Event = field(default_factory=threading.Event)

    def __call__(self, name: str, listener: Listener) -> Engine:
        listener(Event("setup", f"loading {name}", 0.5))
        self.may.wait(30)
        if self.broken:
            raise LoadError("there is no memory")
        self.told.append(f"+{name}")
        return cast("Engine", _Closable(lambda: self.told.append(f"-{name}")))


@dataclass
class _Closable:
    close: Any


@pytest.fixture
def made() -> Made:
    made = Made()
    made.may.set()
    return made


@pytest.fixture
def engines(made: Made) -> Iterator[Engines]:
    engines = Engines(made, idle_seconds=3600)
    yield engines
    engines.close()


def test_a_model_is_loaded_once_for_all_who_ask(engines: Engines, made: Made) -> None:
    def use(_: int) -> None:
        with engines.lease("a", Cancel()):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(40)))
    assert made.told == ["+a"]
    assert engines.loaded == ("a",)
    assert engines.state("a") == (True, "")


def test_a_model_that_nobody_asks_is_unloaded_and_loaded_again(engines: Engines, made: Made) -> None:
    with engines.lease("a", Cancel()):
        engines.unload_idle(0)
        assert engines.loaded == ("a",)  # it is in use
    engines.unload_idle(3600)
    assert engines.loaded == ("a",)
    engines.unload_idle(0)
    assert engines.loaded == ()
    assert engines.state("a") == (False, "not loaded: the next question loads it")
    with engines.lease("a", Cancel()):
        pass
    assert made.told == ["+a", "-a", "+a"]


def test_another_model_takes_the_place_of_one_that_is_idle(engines: Engines, made: Made) -> None:
    with engines.lease("a", Cancel()), engines.lease("b", Cancel()):
        assert made.told == ["+a", "+b"]
    with engines.lease("c", Cancel()):
        pass
    assert made.told == ["+a", "+b", "-a", "-b", "+c"]


def test_what_cannot_be_loaded_is_told_and_tried_again(engines: Engines, made: Made) -> None:
    made.broken = True
    with pytest.raises(LoadError), engines.lease("a", Cancel()):
        pass
    assert engines.state("a") == (False, "there is no memory")
    made.broken = False
    with engines.lease("a", Cancel()):
        assert engines.state("a")[0]


def test_who_waits_for_a_model_may_give_up(engines: Engines, made: Made) -> None:
    made.may.clear()
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(Cancelled), engines.lease("a", cancel):
        pass
    assert engines.state("a") == (False, "loading a 50%")
    made.may.set()
    with engines.lease("a", Cancel()):
        assert made.told == ["+a"]
