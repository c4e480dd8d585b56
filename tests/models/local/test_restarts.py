"""When a worker that died may be started again."""

import pytest

from rlm_local.models.errors import WorkerDied
from rlm_local.models.local.process import Death
from rlm_local.models.local.restarts import Restarts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def death(self, *, useful: bool = False) -> Death:
        return Death(WorkerDied("it died", remedy="Mind it"), self.now, useful)


def test_three_that_were_of_no_use_and_then_one_a_minute():
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(2):
        restarts.check(clock.death())
    third = clock.death()
    for clock.now in (0.0, 30.0, 59.9):
        with pytest.raises(WorkerDied, match=r"started 3 times.*it died\. Mind it"):
            restarts.check(third)
    clock.now = 60.0
    restarts.check(third)
    fourth = clock.death()
    with pytest.raises(WorkerDied, match="started 4 times"):
        restarts.check(fourth)
    clock.now = 120.0
    restarts.check(fourth)


def test_one_that_was_of_use_makes_up_for_those_before():
    clock = Clock()
    restarts = Restarts(clock)
    for useful in (False, False, True, False, False, True) * 5:
        restarts.check(clock.death(useful=useful))


def test_asking_twice_about_one_death_counts_once():
    clock = Clock()
    restarts = Restarts(clock)
    death = clock.death()
    for _ in range(10):
        restarts.check(death)
