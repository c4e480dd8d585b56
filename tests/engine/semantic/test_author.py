"""The programs author may ask a model about each row."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.answer import Answer, Ended
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


def run_of(write: Callable[[Prompt], str], image: Image, tmp_path: Path) -> Answer:
    """What a model comes to that looks at each row, writes such programs, and judges well."""

    def choose(prompt: Prompt, options: Sequence[str]) -> str:
        return options["yes" in options and "close my account" not in prompt.messages[-1].content]

    model = ScriptedModel(
        write, choose=choose, slot=lambda _p, _t, options: next(o for o in options if "each row" in o)
    )
    budget = Budget(Limits())
    with Collection.of({"messages.csv": MESSAGES}) as collection, RunStore(tmp_path / "runs.sqlite") as store:
        view = View(collection)
        run = Run("How many want out?", view, (), 9_000, model, "", image, named("prompted"), budget, ignore)
        return run.answer(store, Cancel(deadline=budget.deadline))


def test_a_program_that_judges_rows_is_carried_out(image: Image, tmp_path: Path) -> None:
    answer = run_of(lambda _prompt: QUERY, image, tmp_path)
    assert (answer.value, answer.ended) == (40, Ended.ANSWERED)
    assert len(answer.evidence) == 20
    assert all("please close my account" in place.text for place in answer.evidence)


def test_a_program_that_should_ask_a_model_and_does_not_is_written_once_more(image: Image, tmp_path: Path) -> None:
    told = list[str]()

    def write(prompt: Prompt) -> str:
        told.append(prompt.messages[-1].content)
        return QUERY if "judges no row" in told[-1] else "SELECT COUNT(*) FROM messages WHERE message LIKE '%leave%'"

    assert (run_of(write, image, tmp_path).value, len(told)) == (40, 2)
