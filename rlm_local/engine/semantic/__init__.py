"""Functions of SQL that a model answers: judge, classify, extract, answer.

A query with them is parsed here and never rewritten: `prepare` says which texts each of its calls is to be asked
about, as queries of their own, plain conditions first. `Desk` answers the cell: `costs` says for how much, `Asking`
asks, in rounds. `Quote` prices a cell that has not run. The cell's side, which runs the queries, is
`rlm_local/toolbox/semantic.py`.
"""

from rlm_local.engine.semantic.asking import Asking
from rlm_local.engine.semantic.costs import Costs, costs
from rlm_local.engine.semantic.desk import Desk
from rlm_local.engine.semantic.prepare import Aggregate, Dialect, Gather, Prepared, SemanticCall, Unfit, prepare
from rlm_local.engine.semantic.quote import Quote

__all__ = [
    "Aggregate",
    "Asking",
    "Costs",
    "Desk",
    "Dialect",
    "Gather",
    "Prepared",
    "Quote",
    "SemanticCall",
    "Unfit",
    "costs",
    "prepare",
]
