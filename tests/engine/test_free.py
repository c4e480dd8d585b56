"""The free author and the direct one, in whole runs."""

import pytest

from rlm_local.engine.answer import Ended
from rlm_local.engine.budget import Limits
from rlm_local.engine.events import Event
from rlm_local.engine.replay import replay
from rlm_local.models import Cancel, Prompt
from tests.engine.conftest import Asker
from tests.engine.records import records, view_of
from tests.models.fakes import ScriptedModel


def programmer(*cells: str, replies: str = "a reply") -> ScriptedModel:
    """A model that writes these cells one after another, and replies to what they ask."""
    left = list(cells)

    def reply(prompt: Prompt) -> str:
        return left.pop(0) if prompt.prefill else replies

    return ScriptedModel(reply)


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("FINAL(6 * 7)", "42"),
        ("total_found = 3\nFINAL_VAR('total_found')", "3"),
        ("FINAL(['a', 'b'])", "a, b"),
        ("answer = {'content': 'by dict', 'ready': True}", "by dict"),
        ("answer['content'] = 'in place'\nanswer['ready'] = True", "in place"),
        ("FINAL(llm_query('Hello?'))", "a reply"),
        ("FINAL(' '.join(llm_query_batched(['a', 'b'])))", "a reply a reply"),
        ("FINAL(len(context) > 0 and len(documents))", "3"),
        ("FINAL(documents[0].name)", "notes/fall.txt"),
        ("FINAL('Karsten' in context and context.count('Karsten'))", "1"),
        ("FINAL(sql(\"SELECT COUNT(*) FROM visits WHERE status = 'done'\"))", "7"),
        ("FINAL(sum(visit.status == 'done' for visit in visits))", "7"),
        ("FINAL(search('roof', 1)[0].document)", "notes/roof.txt"),
    ],
)
def test_the_papers_names(asker: Asker, cell: str, answer: str) -> None:
    ended, _ = asker.ask(programmer(cell), "?", policy="free")
    assert (ended.answer, ended.found, ended.ended) == (answer, True, Ended.ANSWERED)


def test_variables_live_on_and_output_is_shown(asker: Asker) -> None:
    model = programmer("hits = [1, 2]\nprint('seen', len(hits))", "print(SHOW_VARS())", "FINAL(sum(hits))")
    answer, record = asker.ask(model, "?", policy="free")
    assert answer.answer == "3"
    last = [prompt for _, prompt in model.calls][-1]
    assert "seen 2" in last.messages[-3].content
    assert "'hits': 'list'" in last.messages[-1].content
    assert len(record.nodes[0].turns) == 3


def test_a_stopped_run_goes_on_after_its_last_whole_cell_with_its_variables(asker: Asker) -> None:
    cancel = Cancel()

    def tell(event: Event) -> None:
        if event.kind == "cell" and "sleep" in event.text:
            cancel.cancel()

    first = ("hits = [1, 2]\nprint('seen', len(hits))", "1 / 0", "import time\ntime.sleep(30)")
    stopped, before = asker.ask(programmer(*first), "?", policy="free", cancel=cancel, tell=tell)
    assert stopped.ended is Ended.CANCELLED
    model = programmer("FINAL(sum(hits))")
    answer, record = asker.ask(model, "?", policy="free", resumes=before)
    assert (answer.answer, answer.usage.leaf_calls) == ("3", 1)
    [(_, prompt)] = model.calls
    assert ["seen 2" in prompt.messages[-3].content, "ZeroDivisionError" in prompt.messages[-1].content] == [True] * 2
    begun = [turn.start.cell.partition("\n")[0] for turn in record.nodes[0].turns]
    assert begun == ["hits = [1, 2]", "1 / 0", "FINAL(sum(hits))"]
    assert replay(record, records(), model.count, asker.image).divergence is None


def test_a_cell_that_raises_is_shown_to_the_model(asker: Asker) -> None:
    model = programmer("sql('SELECT * FROM nonesuch')", "1 / 0", "FINAL('went on')")
    answer, record = asker.ask(model, "?", policy="free")
    assert answer.answer == "went on"
    shown = [prompt.messages[-1].content for _, prompt in model.calls]
    assert "visits" in shown[1]
    assert "ZeroDivisionError" in shown[2]
    errors = [turn.end and turn.end.error for turn in record.nodes[0].turns]
    assert "no such table" in (errors[0] or "")
    assert errors[2] is None


def test_cells_that_are_no_python_are_shown_to_the_model(asker: Asker) -> None:
    model = programmer("this is no python", "FINAL_VAR('missing')", "FINAL(1)")
    asker.ask(model, "?", policy="free")
    shown = [prompt.messages[-1].content for _, prompt in model.calls]
    assert "SyntaxError" in shown[1]
    assert "missing" in shown[2]


def test_a_prompt_longer_than_the_window_is_an_error_of_the_cell(asker: Asker) -> None:
    model = programmer("llm_query('word ' * 20000)", "FINAL('shorter')")
    answer, record = asker.ask(model, "?", policy="free")
    assert answer.answer == "shorter"
    end = record.nodes[0].turns[0].end
    assert end is not None
    assert "tokens" in (end.error or "")


def test_a_batch_beyond_the_budget_reaches_the_cell_as_an_error_that_names_the_price(asker: Asker) -> None:
    from rlm_local.engine.budget import Limits

    cell = "try:\n    llm_query_batched(['a'] * 50)\nexcept Exception as error:\n    FINAL(str(error))"
    answer, _ = asker.ask(programmer(cell), "?", policy="free", limits=Limits(calls=20))
    assert "50 calls" in answer.answer


@pytest.mark.parametrize(
    ("cell", "action"),
    [
        ("print(search('x'))", "SEARCH"),
        ("sql(\"SELECT COUNT(*) FROM visits WHERE judge(status, '?')\")", "MAP"),
        ("llm_query_batched(['a'])", "MAP"),
        ("FINAL(1)", "ANSWER"),
    ],
)
def test_the_decision_is_read_off_the_cell(asker: Asker, cell: str, action: str) -> None:
    _, record = asker.ask(programmer(cell, "FINAL(1)"), "?", policy="free")
    assert record.nodes[0].turns[0].start.decision["action"] == action


def test_direct_asks_once_with_the_text_cut_to_the_window(asker: Asker) -> None:
    model = ScriptedModel(lambda _prompt: "Karsten and Sons", n_ctx=2000)
    view = view_of({"a.txt": "word " * 5000})
    answer, _ = asker.ask(model, "Who?", view, policy="direct")
    assert (answer.answer, answer.found, answer.usage.leaf_calls) == ("Karsten and Sons", True, 1)
    [(_, prompt)] = model.calls
    sent = prompt.messages[-1].content
    assert 1000 < model.count(sent) < 2000
    assert sent.endswith("Who?")


def test_the_model_is_shown_the_tables_and_the_values_that_the_question_mentions(asker: Asker) -> None:
    model = programmer("FINAL(1)")
    asker.ask(model, "How many visits of Ada Brunner were cancelled?", policy="free")
    [(_, prompt)] = model.calls
    assert "CREATE TABLE visits ( -- 10 rows" in prompt.messages[0].content
    assert "notes/fall.txt" in prompt.messages[0].content
    assert "visits.patient = 'Ada Brunner'" in prompt.messages[-1].content


def test_a_cell_that_is_written_twice_is_said_to_be(asker: Asker) -> None:
    model = programmer("print(1)", "print(1)", "FINAL(2)")
    asker.ask(model, "How many?", policy="free")
    shown = [prompt.messages[-1].content for _, prompt in model.calls]
    assert ["do something else" in text for text in shown] == [False, False, True]


@pytest.mark.parametrize("text", ["", "short text"])
def test_direct_reads_a_short_text_whole(asker: Asker, text: str) -> None:
    model = ScriptedModel(lambda _prompt: "Yes")
    asker.ask(model, 'it\'s "quoted"\nand {braced}?', view_of({"a.txt": text or "-"}), policy="direct")
    [(_, prompt)] = model.calls
    assert prompt.messages[-1].content.startswith(text or "-")
    assert prompt.messages[-1].content.endswith('it\'s "quoted"\nand {braced}?')


def test_old_outputs_are_compacted_when_the_window_fills_and_the_log_keeps_all(asker: Asker) -> None:
    cells = [f"print('turn {n} ' * 200)" for n in range(5)]
    model = programmer(*cells, "FINAL('done')")
    model.n_ctx = 2400
    answer, record = asker.ask(model, "What is said?", policy="free")
    assert (answer.answer, answer.ended) == ("done", Ended.ANSWERED)
    turns = record.nodes[0].turns
    last = [message["content"] for message in turns[-1].start.messages]
    assert any("characters were printed here; your variables are still there" in text for text in last)
    assert "turn 4 turn 4" in last[-1]
    assert sum(model.count(text) for text in last) <= 2400
    assert all(cell in str(last) for cell in cells[1:])
    assert all(turn.end and turn.end.output.startswith("turn") for turn in turns[:-1])


def test_what_does_not_fit_even_so_drops_the_oldest_turns(asker: Asker) -> None:
    cells = [f"x{n} = '{'word ' * 250}'" for n in range(5)]
    model = programmer(*cells, "FINAL(len(x0))")
    model.n_ctx = 2000
    answer, record = asker.ask(model, "How long?", policy="free")
    assert answer.answer == "1250"
    last = str(record.nodes[0].turns[-1].start.messages)
    assert "x0 =" not in last
    assert "x4 =" in last


def test_a_thought_is_in_the_log_and_neither_in_the_cell_nor_in_what_the_model_is_shown_later(asker: Asker) -> None:
    model = programmer("print(1)", "FINAL(2)")
    model.thinks = True
    _, record = asker.ask(model, "How many?", policy="free")
    first, second = record.nodes[0].turns
    assert first.start.thought == second.start.thought == "Let me see."
    assert all("Let me see" not in part for part in (first.start.text, first.start.cell, str(second.start.messages)))


def test_what_a_thought_may_cost_is_reserved_where_the_model_thinks(asker: Asker) -> None:
    def ended(*, thinks: bool) -> Ended:
        model = programmer("FINAL(2)")
        model.thinks = thinks
        return asker.ask(model, "How many?", policy="free", limits=Limits(tokens=1_400))[0].ended

    assert ended(thinks=False) is Ended.ANSWERED
    assert ended(thinks=True) is Ended.BUDGET
