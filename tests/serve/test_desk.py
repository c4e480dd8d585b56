"""Many at once: turns, bounds, cancelling, clients that go away, and the end of the server."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import httpx2

from rlm_local.serve.keys import Scope
from tests.serve.conftest import QUESTION, Running, StartServer
from tests.serve.gate import Gate
from tests.serve.test_runs import ask, follow


def until(true: Callable[[], bool]) -> None:
    """Waits; fails after a time that is long enough for anything."""
    deadline = monotonic() + 30
    while not true():
        assert monotonic() < deadline, "it did not come to that"
        sleep(0.01)


def test_many_clients_get_their_own_answers(start: StartServer) -> None:
    server = start(at_once=3, queue=40, per_key=40)

    def one(number: int) -> tuple[str, str]:
        with server.client() as client:
            body = {"messages": [{"role": "user", "content": f"{QUESTION} ({number})"}]}
            run = client.post("/v1/chat/completions", json=body).json()["rlm_local"]["run_id"]
        record = server.service.store.get(run)
        assert record.answer
        return record.start.question, record.answer.answer

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert answers == [(f"{QUESTION} ({number})", "1") for number in range(20)]


def test_beyond_the_queue_requests_are_refused_with_a_time_to_come_back(start: StartServer) -> None:
    gate = Gate()
    server = start(gate.model, at_once=1, queue=1)
    with server.client() as client:
        runs = [ask(client) for _ in range(2)]
        response = client.post("/api/runs", json={"question": QUESTION})
        assert (response.status_code, response.json()["error"]["code"]) == (429, "queue_full")
        assert int(response.headers["retry-after"]) > 0
        gate.open.set()
        for run in runs:
            assert follow(client, run)[-1]["data"]["answer"]["answer"] == "1"
        ask(client)


def test_keys_take_turns_and_have_a_share(start: StartServer) -> None:
    gate = Gate()
    server = start(gate.model, at_once=1, queue=20, per_key=4)
    scopes = [Scope.ASK, Scope.READ]
    texts = [server.service.keys.make(name, scopes)[1] for name in ("alice", "bob")]
    with server.client(texts[0]) as alice, server.client(texts[1]) as bob:
        hers = [ask(alice) for _ in range(4)]
        refused = alice.post("/api/runs", json={"question": QUESTION})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "key_limit")
        his = ask(bob)
        order = [live.job.run_id for live in server.service.desk.under_way]
        assert order[:3] in ([hers[0], hers[1], his], [hers[0], his, hers[1]])
        gate.open.set()
        follow(bob, his)
        follow(alice, hers[-1])


def test_a_client_that_goes_away_cancels_its_run(start: StartServer) -> None:
    gate = Gate()
    server = start(gate.model)
    desk = server.service.desk
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    for stream in (True, False):
        gate.open.clear()
        client = httpx2.Client(base_url=server.url, timeout=httpx2.Timeout(30, read=1.0))
        try:
            with client.stream("POST", "/v1/chat/completions", json={**body, "stream": stream}) as response:
                assert stream
                next(response.iter_lines())
        except httpx2.ReadTimeout:
            assert not stream
        client.close()
        [live] = desk.under_way
        until(lambda live=live: live.cancel.cancelled)
        gate.open.set()
        until(lambda: desk.under_way == [])
        assert live.answer is None or live.answer.ended == "cancelled"


def test_a_run_that_waits_is_cancelled_at_once(start: StartServer) -> None:
    gate = Gate()
    server = start(gate.model, at_once=1)
    with server.client() as client:
        first, second = ask(client), ask(client)
        assert client.post(f"/api/runs/{second}/cancel").json()["state"] == "cancelled"
        assert follow(client, second)[-1]["data"]["error"]["code"] == "cancelled"
        gate.open.set()
        assert follow(client, first)[-1]["data"]["answer"]["answer"] == "1"
        assert client.get(f"/v1/responses/resp_{second}").json()["status"] == "cancelled"


def test_a_server_that_goes_down_lets_runs_end(start: StartServer) -> None:
    gate = Gate()
    server: Running = start(gate.model, grace_seconds=20)
    with server.client() as client:
        run = ask(client)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: server.service.desk.closing)
        gate.open.set()
        stopping.join()
    assert server.service.desk.under_way == []
    assert server.service.audit.verify().problems == ()
    again = start()
    assert again.service.jobs.get(None, run).ended == "answered"


def test_a_server_without_time_cancels_what_is_left(start: StartServer) -> None:
    gate = Gate()
    server = start(gate.model, grace_seconds=0, at_once=1)
    with server.client() as client:
        runs = [ask(client) for _ in range(3)]
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: all(live.cancel.cancelled for live in server.service.desk.under_way))
        gate.open.set()
        stopping.join()
    again = start()
    assert {again.service.jobs.get(None, run).ended for run in runs} == {"cancelled"}
