"""Functions of SQL that a model answers: judge, classify, extract, answer.

A query with them is parsed here and never rewritten: `prepare` says which texts each of its calls is to be asked
about, as queries of their own, plain conditions first. `Desk` prices and asks. The cell's side, which runs the queries,
is `rlm_local/toolbox/semantic.py`.
"""

from rlm_local.engine.semantic.desk import Desk
from rlm_local.engine.semantic.prepare import Aggregate, Gather, Prepared, SemanticCall, Unfit, prepare

__all__ = ["Aggregate", "Desk", "Gather", "Prepared", "SemanticCall", "Unfit", "prepare"]
