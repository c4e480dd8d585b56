"""Where a question is looked for, step by step, and what the log has of the steps that found nothing."""

from pathlib import Path

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.events import ignore
from rlm_local.engine.run import Run
from rlm_local.log import RunStore
from rlm_local.models import Cancel
from rlm_policy import named
from rlm_sandbox import Image
from tests.engine.semantic.cells import MESSAGES
from tests.models.fakes import ScriptedModel

NONE = "SELECT COUNT(*) FROM messages WHERE message LIKE '%lighthouse%'"


def test_a_none_is_told_with_what_was_tried_before(image: Image, tmp_path: Path) -> None:
    model = ScriptedModel(lambda _prompt: NONE, slot=lambda _p, _t, options: next(o for o in options if "text" in o))
    budget = Budget(Limits())
    with Collection.of({"messages.csv": MESSAGES}) as collection, RunStore(tmp_path / "runs.sqlite") as store:
        view = View(collection)
        asked = "How many messages name the lighthouse LH-4711?"
        run = Run(asked, view, (), 9_000, model, "", image, named("prompted"), budget, ignore)
        answer = run.answer(store, Cancel(deadline=budget.deadline))
        turn = store.get(answer.run_id).nodes[0].turns[-1]
    assert (answer.ended, answer.error) == (Ended.ANSWERED, "")
    assert turn.start.plan is not None
    assert turn.start.plan["before"] == [{"look": "text", "unheard": ["LH-4711"]}]
