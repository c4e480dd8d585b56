import pytest

from rlm_local.models import CATALOG, DEFAULT_MODEL, resolve
from rlm_local.models.errors import LoadError
from rlm_local.models.fit import check_memory, fit, needs_of, recommended
from rlm_local.models.memory import Room

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("memory", "devices", "cores", "name"),
    [
        (2 * GB, (), 2, DEFAULT_MODEL),
        (1, (), 1, DEFAULT_MODEL),
        (32 * GB, (), 2, DEFAULT_MODEL),
        (8 * GB, (), 6, "qwen3-4b-instruct-2507"),
        (16 * GB, (), 8, "qwen2.5-coder-7b"),
        (32 * GB, (), 8, "qwen3-coder-30b-a3b"),
        (16 * GB, (12 * GB,), 2, "qwen2.5-coder-14b"),
        (16 * GB, (80 * GB,), 2, "qwen3-coder-30b-a3b"),
    ],
)
def test_what_is_recommended_fits_and_is_fast(memory: int, devices: tuple[int, ...], cores: int, name: str):
    assert recommended(Room(memory, devices, cores)).name == name


def test_a_model_that_does_not_fit_is_refused_with_one_that_does():
    spec = resolve("qwen2.5-coder-14b")
    with pytest.raises(LoadError, match=r"takes some 9\.8 GB of memory, and 4\.0 GB are free here") as caught:
        check_memory(spec.name, needs_of(spec), Room(4 * GB, (), 4))
    offered = caught.value.remedy.split("--model ")[1].split(",")[0]
    assert fit(resolve(offered), Room(4 * GB, (), 4)).fits
    check_memory(spec.name, needs_of(spec), Room(4 * GB, (8 * GB,), 4))


def test_where_nothing_fits_no_model_is_offered():
    with pytest.raises(LoadError) as caught:
        check_memory("big", needs_of(CATALOG[0]), Room(10_000_000, (), 4))
    assert caught.value.remedy == "Close something"


def test_a_context_that_does_not_fit_is_refused_with_one_that_does():
    spec, room = resolve("qwen2.5-coder-14b"), Room(12 * GB, (), 4)
    check_memory(spec.name, needs_of(spec), room, 8_192)
    with pytest.raises(LoadError, match=r"with a context of 32,768 tokens takes some 15\.8 GB") as caught:
        check_memory(spec.name, needs_of(spec), room, 32_768)
    smaller = int(caught.value.remedy.split("such as ")[1].split(",")[0])
    check_memory(spec.name, needs_of(spec), room, smaller)
