import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rlm_local.models.errors import LoadError
from rlm_local.models.llama import Batch, Context, Weights


@pytest.fixture(scope="module")
def weights(smollm_path: Path):
    weights = Weights(smollm_path)
    yield weights
    weights.close()


def text_of(weights: Weights, tokens: list[int]) -> bytes:
    return b"".join(weights.piece(token) for token in tokens)


@pytest.mark.parametrize(
    "text",
    ["", "a", "two words", "Zażółć gęślą jaźń 漢字 🙂", "null \0 byte", "\r\n\t  \n", "<|im_end|>", "x" * 20_000],
)
def test_tokens_spell_the_text(weights: Weights, text: str):
    assert text_of(weights, weights.tokenize(text)) == text.encode()


def test_long_text_is_cut_between_words(weights: Weights):
    text = "the quick brown fox\n" * 5000
    tokens = weights.tokenize(text)
    assert text_of(weights, tokens) == text.encode()
    assert tokens.count(weights.tokenize(" quick")[0]) == 5000


def test_special_tokens_only_where_they_are_meant(weights: Weights):
    [end] = weights.tokenize("<|im_end|>", special=True)
    assert weights.is_end(end)
    assert weights.piece(end) == b""
    assert end not in weights.tokenize("<|im_end|>")


def test_a_lone_surrogate_is_replaced(weights: Weights):
    assert text_of(weights, weights.tokenize("a\ud800b")) == b"a?b"


def test_loading_is_reported(smollm_path: Path):
    shares: list[float] = []
    Weights(smollm_path, progress=shares.append).close()
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_ctrl_c_ends_the_loading(smollm_path: Path):
    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Weights(smollm_path, progress=interrupt)


def test_a_file_that_llama_cannot_load(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(LoadError, match=r"model\.gguf"):
        Weights(path)
    assert capfd.readouterr() == ("", ""), "llama.cpp's own words go to the log, not to the terminal"


def test_what_llama_says_is_logged(smollm_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG, logger="rlm_local.llama_cpp"):
        Weights(smollm_path).close()
    assert any("general.architecture" in record.message for record in caplog.records)


def test_a_batch_is_laid_out_as_llama_reads_it():
    batch = Batch(8)
    batch.add(3, 0, np.array([5, 6], np.int32), wanted=False)
    row = batch.add(4, 10, np.array([7, 8, 9], np.int32), wanted=True)
    struct = batch.struct()
    assert (struct.n_tokens, row) == (5, 4)
    assert struct.token[:5] == [5, 6, 7, 8, 9]
    assert struct.pos[:5] == [0, 1, 10, 11, 12]
    assert [struct.seq_id[place][0] for place in range(5)] == [3, 3, 4, 4, 4]
    assert struct.logits[:5] == [0, 0, 0, 0, 1]


def test_an_interrupted_decode_leaves_the_memory_as_it_was(weights: Weights):
    tokens = np.arange(100, 164, dtype=np.int32)
    context = Context(weights, cells=256, sequences=2, batch=64, threads=1)
    batch = Batch(64)

    def logits(start: int, end: int) -> np.ndarray:
        batch.clear()
        row = batch.add(0, start, tokens[start:end], wanted=True)
        assert context.decode(batch)
        return context.logits(row).copy()

    logits(0, 20)
    straight = logits(20, 64)
    context.clear()
    logits(0, 20)
    context.interrupt(True)
    batch.clear()
    batch.add(0, 20, tokens[20:64], wanted=True)
    assert not context.decode(batch)
    context.interrupt(False)
    assert np.array_equal(logits(20, 64), straight)
    context.close()


class Impatient:
    """In place of a `Watch`: the first decode has too many threads, and is stopped."""

    def __init__(self, stop: Callable[[bool], None]) -> None:
        self.counts = [2, 1]
        self._stop = stop

    @contextmanager
    def decoding(self) -> Iterator[int]:
        count = self.counts.pop(0)
        self._stop(bool(self.counts))
        yield count
        self._stop(False)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("given_up", [False, True])
def test_a_decode_that_had_too_many_threads_begins_again_unless_nobody_waits_for_it(weights: Weights, given_up: bool):
    def decode(context: Context) -> bool:
        batch = Batch(32)
        batch.add(0, 0, np.arange(100, 132, dtype=np.int32), wanted=True)
        return context.decode(batch)

    plain = Context(weights, cells=64, sequences=1, batch=32, threads=1)
    assert decode(plain)
    context = Context(weights, cells=64, sequences=1, batch=32, threads=1)
    context._watch = watch = Impatient(context._stop)  # type: ignore[assignment]
    context.interrupt(given_up)
    assert decode(context) != given_up
    assert watch.counts == [1] * given_up
    if not given_up:
        assert np.array_equal(context.logits(31), plain.logits(31))
    for each in (plain, context):
        each.close()


def test_marks_of_a_document_stay_its_characters_whatever_a_vocabulary_calls_them(qwen_path: Path):
    """llama.cpp makes a token of <tool_call>, which Qwen's vocabulary calls user-defined, wherever it stands."""
    weights = Weights(qwen_path)
    try:
        marks = ("<tool_call>", "</tool_call>", "<|im_end|>", "<|endoftext|>", "<|fim_prefix|>", "<|repo_name|>")
        reserved = {token for mark in marks for token in weights.tokenize(mark, special=True)}
        assert len(reserved) == len(marks)
        for text in (*marks, "".join(marks), "<tool_call" * 3 + ">", " <tool_call>\n" * 5_000, "x</tool_call>y"):
            tokens = weights.tokenize(text)
            assert not reserved & set(tokens)
            assert text_of(weights, tokens) == text.encode()
    finally:
        weights.close()
