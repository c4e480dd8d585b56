"""What a model wrote as Python is parsed, its names looked up, its slips put right."""

import pytest

from rlm_local.engine.authors.errors import BadProgram
from rlm_local.engine.authors.python import check_python, is_python

from .harbour import TABLES


@pytest.mark.parametrize("compared", ["boats.harbour == 'Holm'", "5 < boats.length", "boats.votes != 3 and True"])
def test_a_whole_column_is_not_compared_with_one_value(compared: str) -> None:
    """A list is never equal to a value, so the answer would be no, whatever the records say."""
    with pytest.raises(BadProgram, match="is the list of all values"):
        check_python(f"FINAL({compared})", TABLES)
    check_python("FINAL('Holm' in boats.harbour and len(boats.length) == 3)", TABLES)
    check_python("FINAL([boats.name for boats in boats if boats.harbour == 'Holm'])", TABLES)


def test_a_good_program_stays_as_it_is() -> None:
    text = "long = [b for b in boats if b.length and b.length > 20]\nFINAL(len(long))"
    assert check_python(text, TABLES) == text


def test_the_end_may_be_spelled_in_any_case() -> None:
    assert check_python("final(len(boats))", TABLES) == "FINAL(len(boats))"


def test_what_is_not_given_is_equal_to_none_and_another_object() -> None:
    assert check_python("FINAL([b for b in boats if b.built is not None])", TABLES) == (
        "FINAL([b for b in boats if b.built != None])"
    )


@pytest.mark.parametrize(
    ("written", "runs"),
    [
        ("FINAL([b.harbor for b in boats])", "FINAL([b.harbour for b in boats])"),
        ("FINAL([b.name.lower() for b in boats])", "FINAL([b.name.lower() for b in boats])"),
        ("import names\nFINAL(names.harbours(boats))", "import names\nFINAL(names.harbours(boats))"),
        ("FINAL([b.captain for b in boats])", "FINAL([b.captain for b in boats])"),
        ("FINAL(sum(length > 7 for b in boats))", "FINAL(sum((b.length > 7 for b in boats)))"),
        ("FINAL(max(people))", "FINAL(max(trips['people']))"),
        ("length = 7\nFINAL(length)", "length = 7\nFINAL(length)"),
    ],
)
def test_a_slip_in_a_columns_name_is_put_right(written: str, runs: str) -> None:
    assert check_python(written, TABLES) == runs


@pytest.mark.parametrize(
    "text",
    ["FINAL(len(ships))", "FINAL(list(zip(boats, trips)))", "SELECT COUNT(*) FROM boats", "x = ", "FINAL(" * 500],
)
def test_what_cannot_run_is_said(text: str) -> None:
    with pytest.raises(BadProgram) as raised:
        check_python(text, TABLES)
    assert str(raised.value)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("FINAL(len(boats))", True),
        ("far = [b for b in boats]\nfinal(len(far))", True),
        ("FINAL(SELECT COUNT(*) FROM boats)", False),
        ("SELECT COUNT(*) FROM boats", False),
        ("x = ", False),
    ],
)
def test_python_is_told_by_its_end(text: str, *, python: bool) -> None:
    assert is_python(text) is python
