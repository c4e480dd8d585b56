from rlm_local.models import Scores, Usage


def test_usages_add_up():
    assert Usage(3, 2, 1) + Usage(10, 20, 30) == Usage(13, 22, 31)


def test_the_best_option_is_by_what_is_calibrated():
    scores = Scores(("a", "b", "c"), (-0.1, -2.0, -3.0), (-2.0, -0.5, -1.0), Usage())
    assert (scores.best, scores.index) == ("b", 1)
