"""Where a question is looked for, step by step, and what the log has of the steps that found nothing."""

from pathlib import Path

from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.budget import Budget, Limits
from rlm_local.engine.events import ignore
from rlm_local.engine.run import Run
from rlm_local.log import RunStore, TurnRecord
from rlm_local.models import Cancel
from rlm_policy import named, priors_of
from rlm_sandbox import Image
from tests.engine.semantic.cells import MESSAGES
from tests.models.fakes import ScriptedModel

NONE = "SELECT COUNT(*) FROM messages WHERE message LIKE '%lighthouse%'"


COUNT = "SELECT COUNT(*) FROM messages WHERE message LIKE '%close%'"


def asked(question: str, look: str, program: str, image: Image, tmp_path: Path) -> tuple[Answer, TurnRecord]:
    """What a model that looks there and writes this program comes to, and the last turn of it."""
    model = ScriptedModel(lambda _prompt: program, slot=lambda _p, _t, options: next(o for o in options if look in o))
    budget = Budget(Limits())
    with Collection.of({"messages.csv": MESSAGES}) as collection, RunStore(tmp_path / "runs.sqlite") as store:
        run = Run(question, View(collection), (), 9_000, model, "", image, named("prompted"), budget, ignore)
        answer = run.answer(store, Cancel(deadline=budget.deadline))
        return answer, store.get(answer.run_id).nodes[0].turns[-1]


def test_an_answer_says_how_sure_the_programs_that_agree_make_it(image: Image, tmp_path: Path) -> None:
    answer, turn = asked("How many messages are about closing?", "tables", COUNT, image, tmp_path)
    assert turn.start.plan
    assert answer.found
    assert answer.confidence == turn.start.plan["confidence"] == priors_of("scripted", PROMPT_VERSION).confidence.alone


def test_a_none_is_told_with_what_was_tried_before(image: Image, tmp_path: Path) -> None:
    answer, turn = asked("How many messages name the lighthouse LH-4711?", "text", NONE, image, tmp_path)
    assert (answer.ended, answer.error) == (Ended.ANSWERED, "")
    assert turn.start.plan is not None
    assert turn.start.plan["before"] == [{"look": "text", "unheard": ["LH-4711"]}]


def test_who_asks_for_a_change_is_told_that_records_are_only_read(image: Image, tmp_path: Path) -> None:
    answer, _ = asked("Delete what is older than May.", "tables", "DELETE FROM messages", image, tmp_path)
    assert (answer.answer, answer.found) == ("Records are only read: nothing was changed.", False)
    assert (answer.ended, answer.error) == (Ended.ANSWERED, "")
