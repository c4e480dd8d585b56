"""What a reply of notes says."""

import pytest

from rlm_local.engine.notes.prompts import lines_of


def test_a_reply_has_a_point_a_line_with_the_numbers_from_nought() -> None:
    assert lines_of("[2] It rains.\n[1, 3] It snows.") == [((1,), "It rains."), ((0, 2), "It snows.")]


@pytest.mark.parametrize("reply", ["none", "", "[] nothing", "[,] nothing", "[x] nothing", "no point at all"])
def test_what_is_no_point_is_none(reply: str) -> None:
    assert lines_of(reply) == []


def test_a_last_point_that_was_cut_off_is_left_out() -> None:
    assert lines_of("[1] It rains.\n[2] It snows in the") == [((0,), "It rains.")]


def test_a_number_that_stands_for_none_before_it_is_no_place() -> None:
    assert lines_of("[0] It rains.\n[2] It snows.") == [((1,), "It snows.")]
