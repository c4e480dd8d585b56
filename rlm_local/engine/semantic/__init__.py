"""Functions of SQL that a model answers: judge, classify, extract, answer.

A query with them is parsed here and never rewritten: `prepare` says which texts each of its calls is to be asked
about, as queries of their own, plain conditions first. `Desk` answers the cell: `costs` says for how much, `Asking`
asks, in rounds. The cell's side, which runs the queries, is `rlm_local/toolbox/semantic.py`.
"""

from rlm_local.engine.semantic.asking import Asking
from rlm_local.engine.semantic.calls import Dialect, Unfit
from rlm_local.engine.semantic.costs import costs
from rlm_local.engine.semantic.desk import Desk
from rlm_local.engine.semantic.prepare import prepare
from rlm_local.engine.semantic.questions import Said

__all__ = ["Asking", "Desk", "Dialect", "Said", "Unfit", "costs", "prepare"]
