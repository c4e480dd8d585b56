"""rlm-local: questions over more text than any context window holds, answered on this machine.

    from rlm_local import Engine

    with Engine() as engine:
        answer = engine.ask("How many visits were cancelled in May?", ["records/"])
"""

from rlm_local.engine import Answer, Ended, Engine, Event, Evidence, Usage
from rlm_local.errors import RlmLocalError

__all__ = ["Answer", "Ended", "Engine", "Event", "Evidence", "RlmLocalError", "Usage"]
