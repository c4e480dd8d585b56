"""How much can still be asked."""

from rlm_local.engine.pace import Pace
from rlm_local.models import Usage


def test_nobody_knows_before_something_was_asked() -> None:
    pace = Pace()
    pace.begin(100.0)
    assert (pace.room, pace.round) == (None, None)
    pace.add(Usage(cached_tokens=500), 0.1)  # all of it was kept: that says nothing
    assert pace.room is None


def test_what_can_be_asked_grows_with_the_pace_and_falls_with_the_time() -> None:
    pace = Pace()
    pace.begin(100.0)
    pace.add(Usage(prompt_tokens=900, completion_tokens=100), 10.0)
    first = pace.room
    assert first is not None
    assert 0 < first < 90 * 100
    pace.add(Usage(prompt_tokens=1000), 10.0)
    assert pace.room is not None
    assert pace.room < first
    pace.add(Usage(prompt_tokens=7000), 200.0)
    assert pace.room == 0
    pace.begin(50.0)
    assert pace.room > 0
