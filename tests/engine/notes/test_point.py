"""Points that say the same become one, and are worded with the places that they cite."""

from rlm_local.engine.notes.point import Point, foremost, gathered, worded


def point(text: str, place: int, *sources: str) -> Point:
    return Point(text, ((place, place + 9),), frozenset(sources))


LATE = point("The morning ferry is often late.", 0, "a.txt")
LATE_TOO = point("The ferry is often late in the morning.", 20, "b.txt")
CARDS = point("The kiosk takes no cards.", 40, "c.txt")


def test_points_in_about_the_same_words_are_one_with_all_places() -> None:
    [late, cards] = gathered([LATE, CARDS, LATE_TOO])
    assert (late.text, late.places, late.sources) == (LATE.text, ((0, 9), (20, 29)), {"a.txt", "b.txt"})
    assert cards == CARDS


def test_points_with_other_numbers_are_others() -> None:
    assert len(gathered([point("Ferry 100 was late.", 0, "a"), point("Ferry 101 was late.", 20, "b")])) == 2


def test_points_in_a_script_without_spaces_are_compared_too() -> None:
    one, other = point("朝のフェリーはよく遅れる。", 0, "a"), point("朝のフェリーはよく遅れます。", 9, "b")
    assert len(gathered([one, other, point("売店ではカードが使えない。", 20, "c")])) == 2


def test_what_most_documents_say_is_kept_in_its_order() -> None:
    [late] = gathered([LATE, LATE_TOO])
    assert foremost([CARDS, late], 1) == [late]
    assert foremost([CARDS, late], 2) == [CARDS, late]


def test_words_cite_places_by_their_numbers() -> None:
    [late] = gathered([LATE, LATE_TOO])
    text, places = worded([late, CARDS], "medium", 3)
    assert text == "The morning ferry is often late. (2 of 3) [1, 2] The kiosk takes no cards. [3]"
    assert places == [(0, 9), (20, 29), (40, 49)]
    assert worded([CARDS], "points", 1)[0] == "- The kiosk takes no cards. [1]"


def test_nothing_is_worded_as_nothing() -> None:
    assert worded([], "medium", 0) == ("", [])
