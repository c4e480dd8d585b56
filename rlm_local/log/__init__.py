"""The log of runs: what was asked, decided, sent, run and answered, in one SQLite file that only grows."""

from rlm_local.log.outline import NodeOutline, RunOutline
from rlm_local.log.record import (
    SOLVED,
    CallBatch,
    CallKind,
    CallRecord,
    NodeRecord,
    NodeStart,
    Outcome,
    RunRecord,
    RunStart,
    RunSummary,
    TurnEnd,
    TurnRecord,
    TurnStart,
)
from rlm_local.log.store import RunStore, new_run_id
from rlm_local.log.writer import RunLog

__all__ = [
    "SOLVED",
    "CallBatch",
    "CallKind",
    "CallRecord",
    "NodeOutline",
    "NodeRecord",
    "NodeStart",
    "Outcome",
    "RunLog",
    "RunOutline",
    "RunRecord",
    "RunStart",
    "RunStore",
    "RunSummary",
    "TurnEnd",
    "TurnRecord",
    "TurnStart",
    "new_run_id",
]
