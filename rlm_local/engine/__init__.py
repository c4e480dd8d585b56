"""The engine: the way of a question, from a State to an Answer."""

from rlm_local.engine.answer import Answer, Ended, Evidence, Usage
from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Event, Listener

__all__ = ["Answer", "Ended", "Engine", "Event", "Evidence", "Listener", "Usage"]
