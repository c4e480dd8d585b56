"""What is told of a job: all of it, in order, to whoever listens from wherever they were."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.engine.events import Event
from rlm_local.serve import live as module
from rlm_local.serve.errors import ServeError
from rlm_local.serve.jobs import Job
from rlm_local.serve.live import Live, Told


def job() -> Live:
    return Live(Job("0", "local", "What?", "rlm-local"), began=0.0)


async def told(live: Live, after: int) -> list[Told]:
    return [each async for each in live.follow(after)]


@given(before=st.integers(0, 5), meanwhile=st.integers(0, 5), after=st.integers(0, 12))
def test_who_listens_hears_all_that_came_after(before: int, meanwhile: int, after: int) -> None:
    async def run() -> list[int]:
        live = job()
        for number in range(before):
            live.tell("node", {"number": number})
        listening = asyncio.create_task(told(live, after))
        for number in range(meanwhile):
            await asyncio.sleep(0)
            live.tell("node", {"number": number})
        live.end(None, ServeError("over"))
        return [each.id for each in await listening]

    assert asyncio.run(run()) == list(range(after + 1, before + meanwhile + 2))


def test_who_missed_what_is_not_kept_is_told_so() -> None:
    async def run() -> list[Told]:
        live = job()
        for number in range(2 * module._KEPT + 1):  # pyright: ignore[reportPrivateUsage]
            live.tell("node", {"number": number})
        live.end(None, ServeError("over"))
        return await told(live, 3)

    first, *rest = asyncio.run(run())
    assert first.kind == "lost"
    assert [each.id for each in rest] == list(range(first.id + 1, first.id + 1 + len(rest)))
    assert rest[-1].kind == "ended"


def test_of_the_progress_of_a_batch_a_few_reports_are_kept() -> None:
    async def run() -> list[Told]:
        live = job()
        for number in range(1001):
            live.take(Event("call", "judge", number / 1000))
        live.end(None, ServeError("over"))
        return await told(live, 0)

    kept = [each.data["fraction"] for each in asyncio.run(run()) if each.kind == "call"]
    assert (kept[0], kept[-1]) == (0.0, 1.0)
    assert len(kept) < 1001
