from pathlib import Path

from rlm_local.cli.doctor import offloading
from rlm_local.models.devices import Device, devices, layers_that_fit
from rlm_local.models.gguf import GgufHeader, read_header

GIGABYTE = 1 << 30
HEADER = GgufHeader(
    {
        "general.architecture": "qwen2",
        "qwen2.block_count": 28,
        "qwen2.attention.head_count": 12,
        "qwen2.attention.head_count_kv": 2,
        "qwen2.embedding_length": 1536,
    },
)


def gpu(gigabytes: float) -> Device:
    return Device("GPU0", "A made one", round(gigabytes * GIGABYTE), 80 * GIGABYTE)


def fit(*found: Device) -> int:
    return layers_that_fit(list(found), HEADER, weights=GIGABYTE, cells=8192)


def test_what_is_found_has_memory():
    assert all(0 < device.free <= device.total for device in devices())


def test_as_many_layers_as_there_is_memory_for():
    assert HEADER.cell_bytes == 28 * 2 * 2 * 2 * 128
    assert fit(gpu(80)) == 29, "all, and what comes after them"
    assert fit() == fit(gpu(0.5)) == fit(gpu(1.01)) == 0
    assert 0 < fit(gpu(1.3)) < fit(gpu(1.8)) < 28
    assert fit(gpu(1.3), gpu(1.3)) == 2 * fit(gpu(1.3)), "each has its own reserve"
    assert layers_that_fit([gpu(80)], GgufHeader({}), weights=GIGABYTE, cells=8192) == 0


def test_doctor_says_what_goes_where(smollm_path: Path, tmp_path: Path):
    layers = read_header(smollm_path).layers
    plenty, little = offloading([gpu(8)], smollm_path), offloading([gpu(1.05)], smollm_path)
    assert (plenty.state, little.state) == ("ok", "weak")
    assert f"{layers} of {layers} layers" in plenty.detail
    assert f"of {layers} layers" in little.detail
    assert "A made one" in offloading([gpu(8)], tmp_path / "not here.gguf").detail
