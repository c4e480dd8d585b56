from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.bench.examples import Result
from rlm_local.bench.tasks import to_svg
from rlm_local.bench.tasks.cells import cells
from rlm_local.bench.tasks.kinds import read_size, size_name


def result(cell: str, policy: str, score: float, tokens: int) -> Result:
    return Result("i", cell, "?", "1", policy, "r", "1", True, "answered", "", score, tokens, 1.0, 2)


scores = st.floats(0, 1)
results = st.lists(
    st.builds(
        result,
        st.sampled_from(["needle 2k", "needle 10M", "count 64k", "short 1k"]),
        st.sampled_from(["rules", "direct"]),
        scores,
        st.integers(0, 10**6),
    )
)


@given(results)
def test_a_picture_is_xml_with_a_line_of_the_legend_for_each_kind_and_policy(results: list[Result]) -> None:
    texts = [text.text for text in ElementTree.fromstring(to_svg(results)).iter("{http://www.w3.org/2000/svg}text")]
    for kind, policy in {(result.kind.split(" ")[0], result.policy) for result in results}:
        assert texts.count(f"{kind}, {policy}") == 1


@given(results)
def test_cells_hold_every_result_once_within_their_intervals(results: list[Result]) -> None:
    made = cells(results)
    assert sum(cell.share.n for cell in made) == len(results)
    assert len({(cell.kind, cell.length, cell.policy) for cell in made}) == len(made)
    for cell in made:
        assert 0 <= cell.share.low <= cell.share.score + 1e-9 <= cell.share.high + 2e-9
        assert cell.share.tokens_median <= cell.share.tokens_p95 + 1e-9


@given(st.integers(1, 10**8))
def test_sizes_are_read_as_they_are_written(tokens: int) -> None:
    assert read_size(size_name(tokens)) == tokens
