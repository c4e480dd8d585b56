"""Where a question is looked for, step by step, and what the log has of the steps that found nothing."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from rlm_local.engine.answer import Answer, Ended
from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.engine.node import NOT_FOUND
from rlm_local.log import TurnRecord
from rlm_local.models import Prompt
from rlm_policy import priors_of, share
from tests.engine.conftest import Asker
from tests.engine.records import view_of
from tests.engine.semantic.cells import MESSAGES
from tests.models.fakes import ScriptedModel

NONE = "SELECT COUNT(*) FROM messages WHERE message LIKE '%lighthouse%'"
COUNT = "SELECT COUNT(*) FROM messages WHERE message LIKE '%close%'"
EARLY = "SELECT COUNT(*) FROM messages WHERE message LIKE '%close%' AND number < 10"


MESSAGE_FILE = {"messages.csv": MESSAGES}


def asked(asker: Asker, question: str, look: str, program: str) -> tuple[Answer, TurnRecord]:
    """What a model that looks there and writes this program comes to, and the last turn of it."""
    model = ScriptedModel(lambda _prompt: program, slot=lambda _p, _t, options: next(o for o in options if look in o))
    return run_of(asker, model, question)


def run_of(
    asker: Asker, model: ScriptedModel, question: str, texts: Mapping[str, str] = MESSAGE_FILE
) -> tuple[Answer, TurnRecord]:
    """What a model comes to, and the last turn of it."""
    answer, record = asker.ask(model, question, view_of(texts))
    return answer, record.nodes[0].turns[-1]


def test_an_answer_says_how_sure_the_programs_that_agree_make_it(asker: Asker) -> None:
    answer, turn = asked(asker, "How many messages are about closing?", "tables", COUNT)
    assert turn.start.plan
    assert answer.found
    sure = share(priors_of("scripted", PROMPT_VERSION).confidence.programs.of(across=False, right=0.0))
    assert answer.confidence == turn.start.plan["confidence"] == round(sure, 4)


def test_a_question_for_yes_or_no_is_answered_so_with_the_count_behind_it(asker: Asker) -> None:
    """The model tells what is wanted, and is told once that a count is not; the count is the yes if it stays one."""
    told = list[str]()

    def reply(prompt: Prompt) -> str:
        told.append(prompt.messages[-1].content)
        return COUNT

    model = ScriptedModel(
        reply,
        slot=lambda _p, _t, options: next(o for o in options if "tables" in o),
        choose=lambda _p, options: "whether" if "whether" in options else options[0],
    )
    answer, turn = run_of(asker, model, "Gibt es Nachrichten über eine Schließung?")
    assert answer.answer == "yes (40)"
    assert any("wants yes or no" in each for each in told)
    assert "FINAL(whether(rows), places(" in turn.start.cell


def test_what_was_read_and_is_found_wrong_is_no_answer(asker: Asker) -> None:
    """The model that reads is asked once more, with the passage alone."""
    texts = {f"{n}.txt": f"Minutes of meeting {n}. " + "Nothing else was said. " * 400 for n in range(3)}
    verdicts = {"right": 0.0, "wrong": 0.0}
    for verdict in verdicts:
        model = ScriptedModel(
            slot=lambda _p, _t, options: next((o for o in options if o.strip() in ("text", "answer:")), options[0]),
            write=lambda _p, _t: " meeting 2",
            choose=lambda _p, options, verdict=verdict: verdict if verdict in options else options[0],
            name="qwen2.5-coder-1.5b",
            sure=0.95,
        )
        answer, _ = run_of(asker, model, "At which meeting?", texts)
        assert answer.found == (verdict == "right")
        verdicts[verdict] = answer.confidence or 0.0
    assert verdicts["right"] > 0.9


def finding(right: str) -> Callable[[Prompt, Sequence[str]], str]:
    """Finds replies right that have this in them, and all others wrong."""
    return lambda prompt, options: options["right" in options and right not in prompt.messages[-2].content]


def test_what_the_model_finds_wrong_is_thought_about_longer(asker: Asker) -> None:
    """Of what it writes then, the one that it finds right is the answer."""
    written = iter([EARLY, EARLY])
    model = ScriptedModel(
        lambda _prompt: next(written, COUNT),
        slot=lambda _p, _t, options: next(o for o in options if "tables" in o),
        choose=finding(f"{COUNT}\n"),
        name="qwen2.5-coder-1.5b",
    )
    answer, turn = run_of(asker, model, "How many messages are about closing?")
    assert turn.start.plan
    assert [one["right"] > 0 for one in turn.start.plan["candidates"]] == [False, False, True, True, True]
    assert (answer.answer, answer.confidence) == ("40", pytest.approx(1.0, abs=0.03))


def test_a_year_that_is_put_in_is_not_left_out(asker: Asker) -> None:
    """So the program that has it wins, though the model finds the other one righter."""
    rows = "".join(f"V-{n},{2023 + n % 2}-05-0{1 + n % 9},{('kept', 'missed')[n % 3 == 0]}\n" for n in range(30))
    model = ScriptedModel(
        lambda prompt: (
            "SELECT COUNT(*) FROM visits WHERE status = 'missed'"
            if "```sql" in prompt.prefill
            else "FINAL(sum(v.status == 'missed' for v in visits))"
        ),
        slot=lambda _p, _t, options: next((o for o in options if "tables" in o), options[-1]),
        choose=finding("```python"),
        name="qwen2.5-coder-1.5b",
    )
    question = "How many visits of 2024 were missed?"
    answer, _ = run_of(asker, model, question, {"visits.csv": f"visit,date,status\n{rows}"})
    assert answer.answer == "5"


@pytest.mark.parametrize(("finds", "answer"), [("right", "9"), ("wrong", "40")])
def test_of_a_program_and_what_is_read_the_surer_is_the_answer(finds: str, answer: str, asker: Asker) -> None:
    """A program that is not sure enough waits until the text was read; the model finds what it reads right or wrong."""

    def choose(prompt: Prompt, options: Sequence[str]) -> str:
        reads = prompt.messages[-1].content.startswith("Passage:")
        return options["right" in options and not (reads and finds == "right")]

    model = ScriptedModel(
        lambda _prompt: COUNT,
        slot=lambda _p, _t, options: next((o for o in options if "tables" in o or o == "answer:"), options[0]),
        write=lambda _p, _t: " 9",
        choose=choose,
        name="qwen2.5-coder-1.5b",
    )
    assert run_of(asker, model, "How many messages are about closing?")[0].answer == answer


def test_after_the_text_said_nothing_a_program_that_is_not_sure_is_no_answer(asker: Asker) -> None:
    """A no from some table, or a number, is not what the text was to say."""
    for program in (COUNT, f"SELECT EXISTS ({NONE.replace('COUNT(*)', '1')})"):
        model = ScriptedModel(
            lambda _prompt, program=program: program,
            slot=lambda _p, _t, options: next((o for o in options if o.strip() in ("text", "no")), options[0]),
            choose=lambda _p, options: "whether" if "whether" in options else options[-1],
            name="qwen2.5-coder-1.5b",
        )
        answer, turn = run_of(asker, model, "May one keep a goat?")
        assert (answer.answer, answer.found) == (NOT_FOUND, False)
        assert turn.start.plan
        assert turn.start.plan["look"] == "text"


def test_a_result_may_have_lists_in_it(asker: Asker) -> None:
    model = ScriptedModel(
        lambda prompt: "FINAL({'close': [m.number for m in messages][:2]})" if "python" in prompt.prefill else "no SQL",
        slot=lambda _p, _t, options: next(o for o in options if "tables" in o),
    )
    answer, _ = run_of(asker, model, "Which are the first?")
    assert (answer.ended, answer.value) == (Ended.ANSWERED, {"close": [0, 1]})


def test_a_none_is_told_with_what_was_tried_before(asker: Asker) -> None:
    answer, turn = asked(asker, "How many messages name the lighthouse LH-4711?", "text", NONE)
    assert (answer.ended, answer.error) == (Ended.ANSWERED, "")
    assert turn.start.plan is not None
    assert turn.start.plan["before"] == [{"look": "text", "unheard": ["LH-4711"]}]


def test_who_asks_for_a_change_is_told_that_records_are_only_read(asker: Asker) -> None:
    answer, _ = asked(asker, "Delete what is older than May.", "tables", "DELETE FROM messages")
    assert (answer.answer, answer.found) == ("Records are only read: nothing was changed.", False)
    assert (answer.ended, answer.error) == (Ended.ANSWERED, "")


LETTERS = {f"letters/{n}.txt": f"The ferry was late on day {n}, and nobody said a word.\n" * 120 for n in range(3)}
RECORDS = {**LETTERS, "minutes/1.txt": "The board met and had coffee.\n" * 300, "orders.csv": MESSAGES}


@pytest.mark.parametrize(
    ("program", "read"),
    [
        ("SELECT text FROM documents WHERE folder = 'letters'", 3),
        ("SELECT nonsense FROM nowhere", 5),
    ],
)
def test_a_summary_is_of_notes_of_what_the_program_selects(asker: Asker, program: str, read: int) -> None:
    def reply(prompt: Prompt) -> str:
        system = prompt.messages[0].content
        if "given numbered notes" in system:
            return "[1] The ferry was late."
        return "[1] The ferry was late." if "You take notes" in system else program

    model = ScriptedModel(reply, slot=lambda _p, _t, options: next(o for o in options if "notes" in o))
    answer, record = asker.ask(model, "What do people complain about?", view_of(RECORDS), length="points")
    nodes = record.nodes
    assert answer.ended is Ended.ANSWERED
    assert len({name for node in nodes[1:] if node.start.view for name in node.start.view["documents"]}) == read
    assert answer.answer.startswith(f"- The ferry was late. ({read} of {read}) [1, 2, 3]")
    assert nodes[0].turns[0].start.decision["action"] == "RECURSE"


def test_who_names_a_length_gets_a_summary_however_short_the_text(asker: Asker) -> None:
    def reply(prompt: Prompt) -> str:
        system = prompt.messages[0].content
        return "[1] The ferry was late." if "notes" in system else "SELECT text FROM documents"

    model = ScriptedModel(reply, slot=lambda _p, _t, options: next((o for o in options if "text" in o), options[0]))
    view = view_of({f"{number}.txt": f"The ferry was late on day {number}.\n" for number in range(3)})
    records = [asker.ask(model, "Sum it up.", view, length=length)[1] for length in (None, "points")]
    assert [record.nodes[0].turns[0].start.decision["action"] for record in records] == ["ANSWER", "RECURSE"]


def test_a_summary_of_what_is_not_there_is_none(asker: Asker) -> None:
    program = "SELECT text FROM documents WHERE folder = 'reports of 2031'"
    model = ScriptedModel(
        lambda _p: program, slot=lambda _p, _t, options: next((o for o in options if "notes" in o), options[-1])
    )
    answer, _ = run_of(asker, model, "Sum up 2031.", RECORDS)
    assert (answer.found, answer.usage.nodes) == (False, 1)
