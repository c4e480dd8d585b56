"""How much can still be asked."""

from rlm_local.engine.pace import Pace


def test_nobody_knows_before_something_was_asked() -> None:
    pace = Pace()
    pace.begin(100.0)
    assert (pace.room, pace.round) == (None, None)
    pace.add(0, 0.1)
    assert pace.room is None


def test_what_can_be_asked_grows_with_the_pace_and_falls_with_the_time() -> None:
    pace = Pace()
    pace.begin(100.0)
    pace.add(1000, 10.0)
    first = pace.room
    assert first is not None
    assert 0 < first < 90 * 100
    pace.add(1000, 10.0)
    assert pace.room is not None
    assert pace.room < first
    pace.add(7000, 200.0)
    assert pace.room == 0
    pace.begin(50.0)
    assert pace.room > 0


def test_a_little_is_no_measure_of_much() -> None:
    pace = Pace()
    pace.begin(100.0)
    pace.add(100, 0.001)
    assert pace.round is not None
    assert 100 < pace.round < 1000
