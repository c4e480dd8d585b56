"""A model that takes its time, for what happens in the middle of a run."""

import threading
from collections.abc import Sequence

from rlm_local.models import Prompt
from tests.engine.script import planner
from tests.models.fakes import ScriptedModel
from tests.serve.conftest import COUNT


class Gate:
    """A scripted model that waits before it plans until it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        inner = planner(*COUNT)

        def slot(prompt: Prompt, text: str, options: Sequence[str]) -> str:
            self.reached.set()
            self.open.wait(30)
            return inner.slot(prompt, text, options)

        self.model = ScriptedModel(slot=slot, write=inner.write)
