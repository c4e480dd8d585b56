"""A model behind a server, against a real one on this machine that can be made to fail in every way."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from rlm_local.models import Cancel, Cancelled, DeadlineExceeded, Message, Model, Prompt, PromptTooLong, Usage
from rlm_local.models.errors import AdapterError, EngineError, GrammarError, ServerError
from rlm_local.models.remote import RemoteModel
from tests.models.remote.little_server import Fault, LittleServer


def speller(words: dict[str, float]) -> Callable[[str, str], list[tuple[str, float]]]:
    """A model that replies one of some words, with these probabilities, two letters at a time."""

    def following(_user: str, text: str) -> list[tuple[str, float]]:
        begun = {word: share for word, share in words.items() if word.startswith(text)}
        total, shares = sum(begun.values()), dict[str, float]()
        for word, share in begun.items():
            token = word[len(text) : len(text) + 2]
            shares[token] = shares.get(token, 0.0) + share / total
        return sorted(shares.items(), key=lambda each: -each[1])

    return following


def echo(user: str, text: str) -> list[tuple[str, float]]:
    """A model that says again what it was told, letter by letter."""
    return [(user[len(text) : len(text) + 1], 0.9), ("?", 0.1)]


def ask(text: str, prefill: str = "") -> Prompt:
    return Prompt((Message("system", "Reply."), Message("user", text)), prefill=prefill)


Open = Callable[..., RemoteModel]


@pytest.fixture
def reach() -> Iterator[Open]:
    """Opens a model of a little server; both end with the test."""
    with ExitStack() as stack:

        def open_model(server: LittleServer, **how: Any) -> RemoteModel:
            url = stack.enter_context(server.serving())
            return stack.enter_context(RemoteModel(url, **{"pause": 0.001, **how}))

        yield open_model


def test_it_is_a_model_and_says_what_the_server_says(reach: Open):
    server = LittleServer(echo)
    model: Model = reach(server, key="secret")
    assert (model.name, model.n_ctx) == ("little", 512)
    assert server.keys == ["Bearer secret"]
    assert model.count("four") == 2
    assert model.encode(ask("?")) == ()
    assert (
        model.generate([], max_tokens=1)
        == model.choose([], ["a"])
        == model.extract([], grammar="x", max_tokens=1)
        == []
    )
    assert server.asked == []


def test_replies_come_in_order_with_what_they_cost(reach: Open):
    server = LittleServer(echo)
    done: list[int] = []
    replies = reach(server).generate([ask(f"number {n}") for n in range(20)], max_tokens=50, on_done=done.append)
    assert [reply.text for reply in replies] == [f"number {n}" for n in range(20)]
    assert sorted(done) == list(range(20))
    assert replies[0].usage == Usage(8, 12, len("number 0"))
    assert replies[0].logprob == pytest.approx(len("number 0") * np.log(0.9))
    assert {reply.finish for reply in replies} == {"stop"}
    assert server.most_at_once <= 8


def test_limits_stop_strings_and_a_prefill_are_the_servers_to_keep(reach: Open):
    server = LittleServer(echo)
    model = reach(server)
    [short], [stopped] = (
        model.generate([ask("abcdef")], max_tokens=3),
        model.generate([ask("ab,cd")], max_tokens=9, stop=[","]),
    )
    assert (short.text, short.finish) == ("abc", "length")
    assert (stopped.text, stopped.finish) == ("ab", "stop")
    [rest] = model.generate([ask("abcdef", prefill="abcd")], max_tokens=9)
    assert rest.text == "ef"
    assert server.asked[-1]["continue_final_message"] is True


def test_text_is_heard_as_it_is_written(reach: Open):
    heard: list[str] = []
    [reply] = reach(LittleServer(echo)).generate(
        [ask("héllo")], max_tokens=9, on_text=lambda _, text: heard.append(text)
    )
    assert "".join(heard) == reply.text == "héllo"
    assert len(heard) == 5
    assert reply.usage == Usage(8, 12, 5)


WORDS = {"Rome": 0.4, "Romania": 0.3, "Cairo": 0.2, "Oslo": 0.1}


def test_options_have_the_probabilities_of_the_texts_they_are(reach: Open):
    [score] = reach(LittleServer(speller(WORDS))).choose([ask("?")], list(WORDS))
    assert np.allclose(np.exp(score.logprobs), list(WORDS.values()))
    assert score.best == "Rome"


def test_an_option_that_is_the_beginning_of_another(reach: Open):
    [score] = reach(LittleServer(speller({"user": 0.7, "user_id": 0.3}))).choose([ask("?")], ["user_id", "user"])
    assert np.allclose(np.exp(score.logprobs), [0.3, 0.7])


def test_options_after_a_prefill_and_tokens_that_go_on_beyond_them(reach: Open):
    server = LittleServer(lambda _, text: [(" yes.", 0.6), (" no", 0.4)] if text == "found:" else [("", 1.0)])
    [score] = reach(server).choose([ask("?", prefill="found:")], [" no", " yes"])
    assert np.allclose(np.exp(score.logprobs), [0.4, 0.6])


def test_options_that_the_server_does_not_think_of_are_alike(reach: Open):
    [score] = reach(LittleServer(speller({"The answer": 1.0}))).choose([ask("?")], ["yes", "no"])
    assert len(set(score.biased)) == 1


def test_choosing_is_calibrated(reach: Open):
    server = LittleServer(lambda user, _: [("a", 0.8), ("b", 0.2)] if user == "N/A" else [("a", 0.6), ("b", 0.4)])
    done: list[int] = []
    [score] = reach(server).choose([ask("item")], ["a", "b"], neutral=[ask("N/A")], on_done=done.append)
    assert score.logprobs[0] > score.logprobs[1]
    assert score.best == "b"
    assert done == [0]
    assert score.usage == Usage(16, 24, 2)


def test_without_log_probabilities_replies_are_sampled_and_counted(reach: Open):
    server = LittleServer(speller({"no": 1.0}), logprobs=False)
    model = reach(server)
    first, second = (model.choose([ask("?")], ["yes", "no"])[0] for _ in range(2))
    assert first.best == second.best == "no"
    assert 0.9 < np.exp(first.logprobs[1]) < 1
    assert len(server.asked) == 1 + 8 + 8, "that it gives none is asked once"
    assert len({asked.get("seed") for asked in server.asked[1:9]}) == 8


def test_a_grammar_is_tried_before_it_counts(reach: Open):
    server = LittleServer(echo)
    model = reach(server)
    replies = [model.extract([ask("say it")], grammar='root ::= "abc"', max_tokens=5)[0].text for _ in range(2)]
    assert replies == ["abc", "abc"]
    assert len(server.asked) == 3
    with pytest.raises(GrammarError, match="does not take grammars"):
        reach(LittleServer(echo, grammars=False)).extract([ask("say it")], grammar='root ::= "abc"', max_tokens=5)


def test_a_cursor_writes_slot_by_slot(reach: Open):
    def following(_user: str, text: str) -> list[tuple[str, float]]:
        plan = "op: count\nname: Ada\n"
        return (
            [(plan[len(text) : len(text) + 3], 0.7), (" list", 0.2), ("X", 0.1)]
            if plan.startswith(text)
            else [("", 1.0)]
        )

    with reach(LittleServer(following)).cursor(ask("?", prefill="op:")) as cursor:
        mark = cursor.mark()
        assert cursor.choose([" list\n", " count\n"]).option == " count\n"
        cursor.rewind(mark)
        assert cursor.choose([" list\n", " count\n"], bias=[9.0, 0.0]).option == " list\n"
        cursor.rewind(mark)
        cursor.append(" count\nname: ")
        assert cursor.write(stop=["\n"], max_tokens=9) == "Ada"
        assert cursor.text == " count\nname: Ada"
        assert cursor.usage.prompt_tokens > 0


def test_what_a_cursor_may_not_write_is_passed_over(reach: Open):
    server = LittleServer(lambda _, text: [("b", 0.6), ("a", 0.3), ("", 0.1)] if len(text) < 4 else [("", 1.0)])
    with reach(server).cursor(ask("?")) as cursor:
        assert cursor.write(stop=["\n"], max_tokens=9, allow=lambda text: "bb" not in text) == "baba"
    assert len(server.asked) == 3, "a request for each place where something was refused, and one"
    with reach(server).cursor(ask("?")) as cursor:
        assert cursor.write(stop=[], max_tokens=9, allow=lambda text: not text) == ""


@pytest.mark.parametrize(
    "fault", [Fault(429, "{}"), Fault(503, "busy", "0.001"), Fault(502), Fault(gone=True)], ids=repr
)
def test_a_server_that_is_busy_or_away_for_a_while_is_asked_again(reach: Open, fault: Fault):
    def twice(number: int) -> Fault | None:
        tried = [asked["messages"] for asked in server.asked[:number]].count(server.asked[number - 1]["messages"])
        return fault if tried < 3 else None

    server = LittleServer(echo, fault=twice)
    replies = reach(server).generate([ask(f"{n}") for n in range(9)], max_tokens=5)
    assert [reply.text for reply in replies] == [f"{n}" for n in range(9)]
    assert len(server.asked) == 27


def test_patience_has_an_end(reach: Open):
    server = LittleServer(echo, fault=lambda _: Fault(429, '{"error": {"message": "slow down"}}'))
    with pytest.raises(ServerError, match="429: slow down"):
        reach(server, patience=3).generate([ask("a")], max_tokens=5)
    assert len(server.asked) == 3


def test_a_refusal_is_told_at_once_in_the_servers_words(reach: Open):
    server = LittleServer(echo, fault=lambda _: Fault(401, '{"error": {"message": "no such key"}}'))
    with pytest.raises(ServerError, match="401: no such key"):
        reach(server).generate([ask("a")], max_tokens=5)
    assert len(server.asked) == 1


def test_a_prompt_that_is_too_long_for_the_server(reach: Open):
    said = '{"error": {"message": "This model\'s maximum context length is 512 tokens"}}'
    for how in ({}, {"on_text": lambda _index, _text: None}):
        with pytest.raises(PromptTooLong) as caught:
            reach(LittleServer(echo, fault=lambda _: Fault(400, said))).generate([ask("a" * 3000)], max_tokens=5, **how)
        assert caught.value.prompt_tokens > caught.value.context_tokens == 512


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "[]", "null", '"text"', "{}", '{"choices": []}', '{"choices": [{"message": {}}]}',
     '{"choices": [{"message": {"content": 5}}]}', '{"choices": [{"message": {"content": "a"}, "logprobs": 7}]}',
     '{"choices": [{"message": {"content": "a"}, "logprobs": {"content": [{"token": "a"}]}}]}',
     '{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": "many"}}'],
)  # fmt: skip
def test_what_is_no_completion_is_an_error_of_that_call_only(reach: Open, body: str):
    server = LittleServer(echo, fault=lambda number: Fault(body=body or " ") if number == 1 else None)
    model = reach(server)
    with pytest.raises(ServerError, match=r"no JSON|no chat completion"):
        model.generate([ask("a")], max_tokens=5)
    assert model.generate([ask("b")], max_tokens=5)[0].text == "b"


@pytest.mark.parametrize(
    "fault",
    [Fault(cut=True), Fault(gone=True), Fault(body='data: {"error": "broke"}\n\n'), Fault(body="data: []\n\n")],
    ids=repr,
)
def test_a_stream_that_breaks_off_is_an_error(reach: Open, fault: Fault):
    with pytest.raises(ServerError):
        reach(LittleServer(echo, fault=lambda _: fault), patience=2).generate(
            [ask("hello")], max_tokens=9, on_text=lambda _index, _text: None
        )


def test_a_server_that_goes_in_the_middle_of_a_batch_fails_that_batch_and_the_next_one_finds_it_again():
    server = LittleServer(echo)
    with ExitStack() as up:
        url = up.enter_context(server.serving())
        with RemoteModel(url, pause=0.001, patience=3) as model:
            gone = threading.Event()

            def leave(_number: int) -> Fault | None:
                return Fault(gone=True) if gone.is_set() else None

            server.fault = leave
            with pytest.raises(ServerError, match="cannot be reached"):
                model.generate([ask(f"{n}") for n in range(50)], max_tokens=5, on_done=lambda _: gone.set())
            gone.clear()
            up.close()
            with pytest.raises(ServerError, match="cannot be reached"):
                model.choose([ask("a")], ["a", "b"])
            with server.serving(int(url.split(":")[2].split("/")[0])):
                assert model.generate([ask("again")], max_tokens=9)[0].text == "again"


def test_a_slow_reply_ends_at_the_deadline_or_by_cancel_or_at_the_limit(reach: Open):
    hold = threading.Event()
    server = LittleServer(echo, fault=lambda _: Fault() if hold.wait(10) else None)
    model = reach(server, concurrency=3)
    try:
        with pytest.raises(DeadlineExceeded):
            model.generate([ask("a")] * 20, max_tokens=5, cancel=Cancel(deadline=time.monotonic() + 0.05))
        with pytest.raises(ServerError, match="too long"):
            reach(LittleServer(echo, fault=server.fault), timeout=0.05).generate([ask("a")], max_tokens=5)
        before, cancel = len(server.asked), Cancel()
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(model.generate, [ask("a")] * 20, max_tokens=5, cancel=cancel)
            while len(server.asked) < before + 2:
                time.sleep(0.001)
            cancel.cancel()
            with pytest.raises(Cancelled):
                call.result(10)
    finally:
        hold.set()
    model.generate([ask("b")], max_tokens=5)
    assert len(server.asked) == before + 3, "what had not begun never does"


def test_a_decision_does_not_wait_for_a_map(reach: Open):
    hold = threading.Event()

    def fault(number: int) -> Fault | None:
        if server.asked[number - 1]["messages"][-1]["content"] == "item":
            hold.wait(10)
        return None

    server = LittleServer(echo, fault=fault)
    model = reach(server, concurrency=3)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(model.generate, [ask("item")] * 10, max_tokens=5)
        while len(server.asked) < 2:
            time.sleep(0.001)
        assert model.generate([ask("now")], max_tokens=5)[0].text == "now"
        hold.set()
        assert len(running.result(10)) == 10
    assert server.most_at_once == 3


def test_closing_ends_what_waits(reach: Open):
    hold = threading.Event()
    server = LittleServer(echo, fault=lambda _: Fault() if hold.wait(10) else None)
    model = reach(server)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(model.generate, [ask("a")], max_tokens=5)
        while not server.asked:
            time.sleep(0.001)
        model.close()
        hold.set()
        with pytest.raises(EngineError, match="closed"):
            call.result(10)
    with pytest.raises(EngineError, match="closed"):
        model.generate([ask("a")], max_tokens=5)


def test_wrong_requests_are_refused_before_anything_is_sent(reach: Open):
    server = LittleServer(echo)
    model = reach(server)
    for wrong in ({"temperature": float("nan")}, {"max_tokens": 0}, {"stop": [""]}):
        with pytest.raises(ValueError, match=r"temperature|room|empty"):
            model.generate([ask("a")], **{"max_tokens": 3, **wrong})
    for options in ([], [""], ["a", "a"]):
        with pytest.raises(ValueError, match="options"):
            model.choose([ask("a")], options)
    with pytest.raises(AdapterError, match="adapter"):
        model.choose([ask("a")], ["a", "b"], adapters={"mine": 1.0})
    assert server.asked == []


@pytest.mark.parametrize("listed", [{"data": []}, {"data": [{"id": "other"}]}, {}, [], {"data": [5]}])
def test_a_model_that_the_server_does_not_have(reach: Open, listed: Any):
    with pytest.raises(ServerError):
        reach(LittleServer(echo, listed=listed), name="mine")


def test_no_server_there():
    with pytest.raises(ServerError, match="cannot be reached"):
        RemoteModel("http://127.0.0.1:9/v1", patience=2, pause=0.001)
