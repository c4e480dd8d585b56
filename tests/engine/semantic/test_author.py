"""The programs author may ask a model about each row."""

from collections.abc import Sequence
from pathlib import Path

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.events import ignore
from rlm_local.engine.run import Run
from rlm_local.log import RunStore
from rlm_local.models import Cancel, Prompt
from rlm_policy import named
from rlm_sandbox import Image
from tests.engine.semantic.cells import MESSAGES
from tests.models.fakes import ScriptedModel

QUERY = "SELECT COUNT(*) FROM messages WHERE judge(message, 'Is an account to be closed?')"


def test_a_program_that_judges_rows_is_carried_out(image: Image, tmp_path: Path) -> None:
    def verdict(prompt: Prompt, _options: Sequence[str]) -> str:
        return "yes" if "close my account" in prompt.messages[-1].content else "no"

    model = ScriptedModel(
        lambda _prompt: QUERY, choose=verdict, slot=lambda _p, _t, options: next(o for o in options if "each row" in o)
    )
    budget = Budget(Limits())
    with Collection.of({"messages.csv": MESSAGES}) as collection, RunStore(tmp_path / "runs.sqlite") as store:
        view = View(collection)
        run = Run("How many want out?", view, (), 9_000, model, "", image, named("prompted"), budget, ignore)
        answer = run.answer(store, Cancel(deadline=budget.deadline))
    assert (answer.value, answer.ended) == (40, Ended.ANSWERED)
    assert len(answer.evidence) == 20
    assert all("please close my account" in place.text for place in answer.evidence)
