import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rlm_local.bench.engine import Measurement, Rate, to_svg
from rlm_local.bench.engine.workload import Workload
from rlm_local.home import Home
from rlm_local.models.native import VARIABLE
from tests.cli.fakes import FakeEngine, not_asked, run_program
from tests.models.fakes import ScriptedModel


@pytest.mark.parametrize(
    ("target", "at_most", "met"), [(2.0, True, True), (1.0, True, False), (1.5, False, True), (2.5, False, False)]
)
def test_the_median_meets_the_target_or_not(target: float, at_most: bool, met: bool) -> None:
    assert Measurement("m", "x", target, at_most, (9.0, 2.0, 1.0)).met is met
    assert Measurement("m", "x", None, at_most, (9.0,)).met


def test_prompts_of_a_workload_share_a_prefix_of_the_size_that_was_asked_for_and_nothing_with_the_next() -> None:
    model = ScriptedModel()
    make = Workload(model)
    first, second = (make.prompts(3, prefix=300, item=10, task="Sort.") for _ in range(2))
    assert len({prompt.messages[:-1] for prompt in first}) == 1
    assert len({prompt.messages[-1] for prompt in (*first, *second)}) == 6
    assert 280 < len(model.encode(first[0])) < 340
    assert len(make.prompts(1, prefix=300, item=10, task="Tell.", worked=False)[0].messages) == 2
    assert first[0].messages[0].content[:8] != second[0].messages[0].content[:8]


def test_the_picture_of_rates_is_xml() -> None:
    svg = ElementTree.fromstring(to_svg("<model>", [Rate(1, (2.0, 1.0)), Rate(64, (9.0, 8.0))]))
    assert "<model>" in [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_a_row_that_is_none_is_refused(tmp_path: Path) -> None:
    result = run_program(("bench", "engine", "--row", "speed"), FakeEngine(not_asked), tmp_path)
    assert result.exit_code == 2
    assert "memory" in result.stderr


def test_two_builds_are_not_compared_where_the_environment_names_one_for_both(tmp_path: Path) -> None:
    command = ("bench", "engine", "--row", "library", "--beside", tmp_path)
    result = run_program(command, FakeEngine(not_asked), tmp_path, env={VARIABLE: str(tmp_path)})
    assert result.exit_code == 2
    assert f"{VARIABLE} names one library" in result.stderr


@pytest.mark.slow
def test_the_whole_table_of_the_small_model(tmp_path: Path) -> None:
    plot = tmp_path / "rates.svg"
    command = ("bench", "engine", "--model", "smollm2-135m", "-n", "1", "--json", "--plot", plot)
    result = run_program(command, FakeEngine(not_asked), Home.default().root)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert len(told["rows"]) == 15
    assert all(row["values"] for row in told["rows"])
    assert [rate["together"] for rate in told["rates"]] == [1, 2, 4, 8, 16, 32, 64]
    ElementTree.parse(plot)
