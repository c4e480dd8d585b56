"""rlm-local: questions over more text than any context window holds, answered on this machine.

from rlm_local import Engine

with Engine() as engine:
    answer = engine.ask("How many visits were cancelled in May?", ["records/"])
"""

from importlib import import_module
from typing import TYPE_CHECKING

from rlm_local.errors import RlmLocalError

if TYPE_CHECKING:
    from rlm_local.engine.answer import Answer, Ended, Evidence, Usage
    from rlm_local.engine.engine import Engine
    from rlm_local.engine.events import Event

__all__ = ["Answer", "Ended", "Engine", "Event", "Evidence", "RlmLocalError", "Usage"]

_PLACES = {"Engine": "engine", "Event": "events"}


def __getattr__(name: str) -> object:
    """Loaded when first asked for: llama.cpp and Wasmtime take a second that `--help` does not need."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"rlm_local.engine.{_PLACES.get(name, 'answer')}"), name)
