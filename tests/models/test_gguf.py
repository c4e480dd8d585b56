import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_local.models.errors import GgufError
from rlm_local.models.gguf import GgufHeader, read_header


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def entry(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def words(*texts: str) -> bytes:
    return struct.pack("<IQ", 8, len(texts)) + b"".join(map(string, texts))


ENTRIES = (
    entry("general.architecture", 8, string("qwen2")),
    entry("qwen2.block_count", 4, struct.pack("<I", 28)),
    entry("tokenizer.chat_template", 8, string("{{ messages }}")),
    entry("tokenizer.ggml.tokens", 9, words("a", "b", "c")),
    entry("tokenizer.ggml.scores", 9, struct.pack("<IQ3f", 6, 3, 0.0, 1.0, 2.0)),
)
TENSOR = string("output.weight") + struct.pack("<IQQIQ", 2, 32, 2, 0, 0)  # 64 float32 at the start of the data


def gguf(*, entries: tuple[bytes, ...] = ENTRIES, tensors: tuple[bytes, ...] = (TENSOR,), data: int = 256) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


def refused(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(GgufError) as caught:
        read_header(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_a_file_says_of_itself(tmp_path: Path):
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf())
    header = read_header(path)
    assert (header.architecture, header.layers) == ("qwen2", 28)
    assert header.metadata["tokenizer.chat_template"] == "{{ messages }}"
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_lists_of_numbers_are_kept_and_long_ones_are_not(tmp_path: Path):
    path = tmp_path / "model.gguf"
    short = entry("short", 9, struct.pack("<IQ3I", 4, 3, 5, 6, 7))
    long = entry("long", 9, struct.pack("<IQ", 4, 2000) + bytes(8000))
    path.write_bytes(gguf(entries=(*ENTRIES[:1], short, long)))
    assert read_header(path).lists == {"short": (5, 6, 7)}


def test_what_a_token_takes_where_layers_differ():
    header = GgufHeader(
        {
            "general.architecture": "gemma4",
            "gemma4.block_count": 6,
            "gemma4.attention.head_count": 8,
            "gemma4.attention.key_length": 512,
            "gemma4.attention.key_length_swa": 256,
            "gemma4.attention.shared_kv_layers": 2,
        },
        {
            "gemma4.attention.head_count_kv": (4, 4, 1, 4, 4, 1),
            "gemma4.attention.sliding_window_pattern": (True, True, False, True, True, False),
        },
    )
    assert header.cell_bytes == 4 * (3 * 4 * 256 + 512)


def test_absurd_numbers_cost_nothing():
    header = GgufHeader({"general.architecture": "x", "x.block_count": 2**60, "x.attention.head_count": -5})
    assert header.cell_bytes == 0


@pytest.mark.parametrize("key", ["qwen35.ssm.state_size", "lfm2.shortconv.l_cache", "rwkv7.wkv.head_size"])
def test_layers_with_a_state_are_recognised(key: str):
    architecture = key.partition(".")[0]
    assert GgufHeader({"general.architecture": architecture, key: 4}).recurrent
    assert not GgufHeader({"general.architecture": architecture, f"{architecture}.block_count": 4}).recurrent


def test_a_real_file(smollm_path: Path):
    header = read_header(smollm_path)
    assert header.architecture == "llama"
    assert header.layers == 30
    assert "im_start" in str(header.metadata["tokenizer.chat_template"])


def test_a_file_that_is_cut_short(tmp_path: Path):
    assert "cut short: tensor output.weight" in refused(tmp_path, gguf(data=255))
    assert "cut short" in refused(tmp_path, gguf()[:100])


def test_what_is_no_gguf(tmp_path: Path):
    assert "does not begin with GGUF" in refused(tmp_path, b"PK\x03\x04" + bytes(100))
    assert "version 99" in refused(tmp_path, b"GGUF" + struct.pack("<I", 99) + bytes(100))
    assert "cannot be read" in refused(tmp_path, b"")
    with pytest.raises(GgufError, match="cannot be read"):
        read_header(tmp_path / "missing.gguf")


@pytest.mark.parametrize("count", [2**16 + 1, 2**32, 2**63, 2**64 - 1])
def test_hostile_counts(tmp_path: Path, count: int):
    number = struct.pack("<Q", count)
    version = b"GGUF" + struct.pack("<I", 3)
    pad = bytes(2**17)
    assert "tensors" in refused(tmp_path, version + number + number + pad)
    assert "metadata entries" in refused(tmp_path, version + bytes(8) + number + pad)
    assert "bytes of a key" in refused(tmp_path, version + bytes(8) + struct.pack("<Q", 1) + number + pad)
    for kind in (4, 8):
        hostile = string("k") + struct.pack("<IIQ", 9, kind, count)
        refused(tmp_path, version + bytes(8) + struct.pack("<Q", 1) + hostile)


@pytest.mark.parametrize(
    ("entries", "tensors", "reason"),
    [
        ((entry("k", 99, b""),), (), "unknown value type 99"),
        ((entry("k", 9, struct.pack("<IQ", 9, 1)),), (), "unknown value type 9"),
        ((ENTRIES[0], ENTRIES[0]), (), "twice"),
        ((entry("general.alignment", 4, struct.pack("<I", 0)),), (), "alignment 0"),
        ((entry("general.alignment", 4, struct.pack("<I", 33)),), (), "alignment 33"),
        ((), (string("t") + struct.pack("<I", 5),), "5 dimensions"),
        ((), (string("t") + struct.pack("<IQIQ", 1, 32, 0, 7),), "off the alignment"),
        ((), (string("t") + struct.pack("<IQIQ", 1, 31, 2, 0),), "no blocks of 32"),
        ((), (string("t") + struct.pack("<IQQIQ", 2, 2**63, 2**63, 0, 0),), "cut short"),
        ((), (string("t") + struct.pack("<IQIQ", 1, 32, 0, 2**60),), "cut short"),
    ],
)
def test_claims_that_cannot_be(tmp_path: Path, entries: tuple[bytes, ...], tensors: tuple[bytes, ...], reason: str):
    assert reason in refused(tmp_path, gguf(entries=entries, tensors=tensors))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_never_anything_but_a_gguf_error(tmp_path: Path, data: st.DataObject):
    content = bytearray(gguf())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    path = tmp_path / "model.gguf"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(GgufError):
        read_header(path)
