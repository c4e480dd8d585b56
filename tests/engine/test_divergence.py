import pytest

from rlm_local.engine.divergence import Diverged, Divergence, difference, same


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ({"a": [1, {"b": 2}], "seconds": 9.0}, None),
        ({"a": [1, {"b": 3}]}, Divergence("x, a 2, b", "2", "3")),
        ({"a": [1]}, Divergence("x, a 2, b", "2", "none")),
        ({"a": [1, {"b": 2}, 5]}, Divergence("x, a 3", "none", "5")),
    ],
)
def test_the_first_difference_is_found(now: object, found: Divergence | None) -> None:
    assert difference({"a": (1, {"b": 2}), "seconds": 1.0}, now, "x") == found


def test_what_is_to_be_the_same_and_is_not_is_raised_with_its_place() -> None:
    same({"seconds": 1.0, "a": 1}, {"seconds": 2.0, "a": 1}, "turn 1")
    with pytest.raises(Diverged, match="turn 1, a") as caught:
        same({"a": 1}, {"a": 2}, "turn 1")
    assert caught.value.divergence == Divergence("turn 1, a", "1", "2")
