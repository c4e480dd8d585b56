"""The programs author may ask a model about each row."""

from collections.abc import Callable, Sequence

from rlm_local.engine.answer import Answer, Ended
from rlm_local.models import Prompt
from tests.engine.conftest import Asker
from tests.engine.records import view_of
from tests.engine.semantic.cells import MESSAGES
from tests.models.fakes import ScriptedModel

QUERY = "SELECT COUNT(*) FROM messages WHERE judge(message, 'Is an account to be closed?')"


def run_of(asker: Asker, write: Callable[[Prompt], str]) -> Answer:
    """What a model comes to that looks at each row, writes such programs, and judges well."""

    def choose(prompt: Prompt, options: Sequence[str]) -> str:
        return options["yes" in options and "close my account" not in prompt.messages[-1].content]

    model = ScriptedModel(
        write, choose=choose, slot=lambda _p, _t, options: next(o for o in options if "each row" in o)
    )
    return asker.ask(model, "How many want out?", view_of({"messages.csv": MESSAGES}))[0]


def test_a_program_that_judges_rows_is_carried_out(asker: Asker) -> None:
    answer = run_of(asker, lambda _prompt: QUERY)
    assert (answer.value, answer.ended) == (40, Ended.ANSWERED)
    assert len(answer.evidence) == 20
    assert all("please close my account" in place.text for place in answer.evidence)


def test_a_program_that_should_ask_a_model_and_does_not_is_written_once_more(asker: Asker) -> None:
    told = list[str]()

    def write(prompt: Prompt) -> str:
        told.append(prompt.messages[-1].content)
        return QUERY if "judges no row" in told[-1] else "SELECT COUNT(*) FROM messages WHERE message LIKE '%leave%'"

    assert (run_of(asker, write).value, len(told)) == (40, 2)
