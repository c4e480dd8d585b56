import time

import pytest

from rlm_local.models.cancel import Cancel
from rlm_local.models.errors import Cancelled, DeadlineExceeded


def test_nothing_is_raised_before_it_is_cancelled():
    cancel = Cancel()
    cancel.check()
    assert not cancel.cancelled
    assert cancel.remaining is None


def test_check_raises_once_cancelled():
    cancel = Cancel()
    cancel.cancel()
    assert cancel.cancelled
    with pytest.raises(Cancelled) as caught:
        cancel.check()
    assert not isinstance(caught.value, DeadlineExceeded)


def test_a_deadline_that_has_passed_is_its_own_error():
    cancel = Cancel(deadline=time.monotonic() - 1)
    assert cancel.remaining == 0.0
    assert not cancel.cancelled
    with pytest.raises(DeadlineExceeded):
        cancel.check()


def test_callbacks_run_once_and_only_those_that_still_want_to():
    cancel, called = Cancel(), []
    cancel.on_cancel(lambda: called.append("kept"))
    forget = cancel.on_cancel(lambda: called.append("forgotten"))
    forget()
    cancel.cancel()
    cancel.cancel()
    assert called == ["kept"]


def test_a_callback_after_the_fact_runs_at_once():
    cancel, called = Cancel(), []
    cancel.cancel()
    cancel.on_cancel(lambda: called.append(1))
    assert called == [1]
