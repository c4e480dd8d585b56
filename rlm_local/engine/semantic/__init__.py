"""SQL functions that a model answers: judge, classify, extract, answer.

A query with such calls is parsed here, and never rewritten. `prepare` makes other queries of it, which gather the texts
for each call, plain conditions first. `Desk` answers the cell: `costs` computes the price, and `Asking` asks the model,
in rounds. The cell's side, which runs the queries, is `rlm_local/toolbox/semantic.py`.
"""

from rlm_local.engine.semantic.asking import Asking
from rlm_local.engine.semantic.calls import Dialect, Unfit
from rlm_local.engine.semantic.costs import costs
from rlm_local.engine.semantic.desk import Desk
from rlm_local.engine.semantic.prepare import prepare
from rlm_local.engine.semantic.questions import Said

__all__ = ["Asking", "Desk", "Dialect", "Said", "Unfit", "costs", "prepare"]
