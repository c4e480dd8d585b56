from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.models.memory import (
    BUFFERS,
    LEAST_CONTEXT,
    Needs,
    Room,
    _left_in_group,
    available_memory,
    gigabytes,
    physical_cores,
)

GB = 1_000_000_000
SMALL = Needs(weights=1 * GB, cell=30_000, trained=32_768)


def test_this_machine_says_what_it_has():
    memory = available_memory()
    assert memory is not None
    assert memory > 0
    assert physical_cores() >= 1


def test_two_cores_have_the_usual_context_and_more_cores_a_longer_one():
    assert Room(20 * GB, (), 2).context(SMALL) == 8_192
    assert Room(20 * GB, (), 8).context(SMALL) == 16_384
    assert Room(20 * GB, (), 64).context(SMALL) == 32_768


def test_a_device_that_holds_the_model_has_as_long_a_context_as_fits_there():
    assert Room(20 * GB, (80 * GB,), 2).context(SMALL) == SMALL.trained
    assert Room(20 * GB, (2 * GB,), 2).context(SMALL) < 16_384


def test_a_model_is_not_asked_to_take_in_more_than_it_was_trained_for():
    assert Room(20 * GB, (), 64).context(Needs(GB, 30_000, 4_096)) == 4_096


@given(
    st.integers(0, 64 * GB), st.integers(0, 64 * GB), st.integers(1, 500_000), st.integers(2_048, 300_000),
    st.integers(1, 128),
)  # fmt: skip
def test_what_fits_has_a_context_that_fits(memory: int, weights: int, cell: int, trained: int, cores: int):
    needs, room = Needs(weights, cell, trained), Room(memory, (), cores)
    context = room.context(needs)
    assert LEAST_CONTEXT <= context <= trained
    if room.holds(needs):
        assert needs.bytes(context) <= memory


def test_where_the_system_says_nothing_everything_is_taken_to_fit():
    room = Room(None, (), 4)
    assert room.holds(Needs(500 * GB, 1, 1))
    assert room.context(SMALL) == 8_192


def test_needs_are_weights_cells_and_buffers():
    assert SMALL.bytes(100) == GB + 3_000_000 + BUFFERS
    assert gigabytes(SMALL.bytes(0)) == "1.4 GB"


def test_the_limit_of_a_container_counts(tmp_path: Path):
    assert _left_in_group(tmp_path, 7) == 7
    (tmp_path / "memory.current").write_text("300\n")
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 50\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert _left_in_group(tmp_path, 7) == 7
    (tmp_path / "memory.max").write_text("1000\n")
    assert _left_in_group(tmp_path, 7) == 750
