from dataclasses import replace

from rlm_policy import Interval, Report, objections

BETTER = Report(
    tasks=40,
    score=Interval(0.05, -0.02, 0.12),
    tokens=Interval(-900.0, -1200.0, -600.0),
    valid=1.0,
    short_tasks=10,
    short_score=0.0,
)


def test_fewer_tokens_at_no_lower_score_are_better() -> None:
    assert objections(BETTER) == []


def test_a_higher_score_is_better_whatever_it_costs() -> None:
    dearer = replace(BETTER, score=Interval(0.2, 0.1, 0.3), tokens=Interval(500.0, 300.0, 700.0))
    assert objections(dearer) == []


def test_what_chance_explains_is_no_gain() -> None:
    lucky = replace(BETTER, tokens=Interval(-50.0, -400.0, 300.0))
    assert objections(lucky) == ["neither a higher score nor fewer tokens are beyond chance"]


def test_fewer_tokens_do_not_make_up_for_wrong_answers() -> None:
    assert objections(replace(BETTER, score=Interval(-0.04, -0.1, 0.02))) == ["it scores 0.040 lower"]


def test_actions_have_to_be_valid_and_short_texts_no_worse() -> None:
    worse = replace(BETTER, valid=0.97, short_score=-0.1)
    assert objections(worse) == ["only 97.0% of its actions are valid", "it scores 0.100 lower on short tasks"]
    assert objections(replace(BETTER, short_tasks=0)) == ["no short task was asked"]


def test_a_report_comes_back_from_its_data() -> None:
    assert Report.from_data(BETTER.data()) == BETTER
