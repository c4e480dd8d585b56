import pytest

from rlm_training.device import Estimate, check_memory
from rlm_training.errors import TrainerError


def test_a_training_that_does_not_fit_into_memory_is_refused_with_what_to_do() -> None:
    with pytest.raises(TrainerError, match=r"1000000\.0 GB of memory.*--set step_tokens="):
        check_memory(Estimate(tokens=1, memory_bytes=10**15, seconds=1.0))


def test_one_that_fits_is_not() -> None:
    check_memory(Estimate(tokens=1, memory_bytes=1, seconds=1.0))
