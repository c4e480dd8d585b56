"""How many threads decode, on made machines whose clocks are counters, and in a real decode that is held up."""

import threading
from dataclasses import dataclass, field

import pytest

from rlm_local.models.threads import Threads, Watch, idle_seconds


@dataclass
class Machine:
    """Processors, of which others take some, and of which a container may get fewer than there are.

    Attributes:
        others: processors that are taken by others as much as by this process, for each thread on them.
        quota: the most that this process gets.
        counts: of threads, decode after decode.
    """

    cores: int
    others: int = 0
    quota: float = 1e9
    clock: float = 0.0
    spent: float = 0.0
    idle: float = 0.0
    counts: list[int] = field(default_factory=list[int])

    def threads(self, **more: int) -> Threads:
        return Threads(self.cores, clock=lambda: self.clock, spent=lambda: self.spent, idle=lambda: self.idle, **more)

    def pass_by(self, threads: int, seconds: float) -> None:
        wanted = max(1, threads + self.others)
        had = min(threads * min(1.0, self.cores / wanted), self.quota)
        self.clock += seconds
        self.spent += had * seconds
        self.idle += max(0.0, self.cores - self.others - had) * seconds

    def decode(self, threads: Threads, times: int, seconds: float = 0.1) -> None:
        for _ in range(times):
            self.counts.append(threads.begin())
            self.pass_by(self.counts[-1], seconds)
            threads.end()


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_a_machine_of_its_own_gives_all_its_threads(cores: int):
    machine = Machine(cores)
    machine.decode(machine.threads(), 200)
    assert set(machine.counts) == {cores}


@pytest.mark.parametrize(("cores", "others", "fewer"), [(2, 2, 1), (2, 15, 1), (8, 8, 4), (8, 1, 8)])
def test_where_others_take_the_processors_there_are_as_many_as_are_left(cores: int, others: int, fewer: int):
    machine = Machine(cores, others)
    machine.decode(machine.threads(), 200)
    assert machine.counts[:10] == [cores] * 10, "a second is looked at together"
    assert machine.counts[-1] <= fewer
    assert set(machine.counts[20:]) == {machine.counts[-1]}, "and so it stays"


def test_when_the_others_are_gone_all_come_back():
    machine = Machine(2, others=2)
    threads = machine.threads()
    machine.decode(threads, 100)
    machine.others = 0
    machine.decode(threads, 100)
    assert (machine.counts[99], machine.counts[-1]) == (1, 2)


def test_in_a_container_with_fewer_than_it_shows_more_are_tried_ever_more_rarely():
    machine = Machine(8, quota=1.0)
    machine.decode(machine.threads(), 3000)
    assert machine.counts[-1] == 1
    assert machine.counts[:1000].count(1) < machine.counts[-1000:].count(1)
    assert machine.counts[-1000:].count(1) > 960


def test_a_decode_that_is_running_has_too_many_after_a_second():
    machine = Machine(2, others=15)
    threads = machine.threads()
    assert not threads.too_many(), "none is running"
    threads.begin()
    machine.pass_by(2, 0.9)
    assert not threads.too_many()
    machine.pass_by(2, 0.2)
    assert threads.too_many()
    assert not threads.too_many(), "that was told"
    threads.end()
    assert threads.begin() == 1


def test_what_lies_between_decodes_does_not_count():
    machine = Machine(2)
    threads = machine.threads()
    for _ in range(20):
        machine.decode(threads, 1)
        machine.pass_by(0, 5.0)
    assert set(machine.counts) == {2}


def test_where_another_device_computes_or_the_system_says_nothing_there_are_always_all():
    machine = Machine(4, others=40)
    for threads in (
        machine.threads(least=4),
        Threads(4, clock=lambda: machine.clock, spent=lambda: machine.spent, idle=lambda: None),
    ):
        assert not threads.varies
        machine.decode(threads, 100)
    assert set(machine.counts) == {4}


def test_a_decode_that_has_too_many_is_stopped_and_that_is_taken_back():
    machine = Machine(2, others=15)
    told: list[bool] = []
    first = threading.Event()

    def stop(wanted: bool) -> None:
        told.append(wanted)
        first.set()

    watch = Watch(machine.threads(), stop)
    with watch.decoding() as count:
        assert count == 2
        machine.pass_by(2, 1.5)
        assert first.wait(60)
    assert told == [True, False]
    with watch.decoding() as count:
        assert count == 1
    watch.close()


def test_this_system_says_how_long_its_processors_were_idle():
    before = idle_seconds()
    assert before is None or before <= (idle_seconds() or 0.0)
