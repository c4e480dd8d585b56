"""The typed boundary to llama.cpp: each foreign handle has one owner, and the owner has `close`.

Only the low-level functions are used: the high-level `Llama` decodes one sequence at a time.
"""

import ctypes
import os
import re
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlm_local.models.adapters import NO_ADAPTERS, AdapterSet
from rlm_local.models.errors import AdapterError, EngineError, LoadError
from rlm_local.models.native import c, first_error, library
from rlm_local.models.threads import Threads, Watch

_ADAPTER_REMEDY = "Use an adapter that was trained for these weights"
_ABORTED = 2  # llama_decode's code where the abort callback ended it; the KV is as before, for one ubatch a batch
_USER_DEFINED = 1 << 4  # LLAMA_TOKEN_ATTR_USER_DEFINED
_PIECE_BYTES = 256
_TEXT_CHUNK = 8192
"""Characters a tokenizer call: its regular expressions recurse, and long runs cost more than they should."""


def library_version() -> str:
    """What llama.cpp calls itself."""
    return c.llama_version().decode()


class Weights:
    """A model's weights and vocabulary, read-only and so usable from any thread; `close` waits for those that use it.

    Args:
        path: the GGUF file.
        offloaded: layers that go to other devices than the processor, if this build of llama.cpp has any.
        progress: called with the loaded share, 0 to 1.

    Raises:
        LoadError: llama.cpp refused the file.
    """

    def __init__(self, path: Path, *, offloaded: int = 0, progress: Callable[[float], None] | None = None) -> None:
        params = c.llama_model_default_params()
        params.n_gpu_layers = offloaded
        params.use_extra_bufts = library().extra_buffers
        params.load_mode = c.LLAMA_LOAD_MODE_MMAP  # the pages are the cache's: given back where memory is short

        interrupted: list[BaseException] = []

        def report(share: float, _data: int | None) -> bool:
            try:
                if progress is not None:
                    progress(share)
            except BaseException as error:  # noqa: BLE001 - Ctrl-C cannot pass through C: the load is ended first
                interrupted.append(error)
            return not interrupted

        first_error()
        callback = c.llama_progress_callback(report)
        params.progress_callback = callback
        handle = c.llama_model_load_from_file(os.fsencode(path), params)
        if interrupted:
            c.llama_model_free(handle)
            raise interrupted[0]
        if not handle:
            reason = first_error()
            raise LoadError(
                f"llama.cpp cannot load {path}{reason and ': '}{reason}",
                remedy="Check the file with `rlm-local models verify`; if it is whole, use another model: this version "
                "of llama.cpp does not know all",
            )
        self._gate = threading.Condition()
        self._users = 0
        self.offloaded = offloaded
        self._handle: int = handle
        self._vocab: int = c.llama_model_get_vocab(handle)
        self.vocab_size: int = c.llama_vocab_n_tokens(self._vocab)
        self.trained_context: int = c.llama_model_n_ctx_train(handle)
        self.recurrent: bool = c.llama_model_is_recurrent(handle) or c.llama_model_is_hybrid(handle)
        self.bos = self._special(c.llama_vocab_bos(self._vocab))
        self.eos = self._special(c.llama_vocab_eos(self._vocab))
        self.chat_template: str = (c.llama_model_chat_template(handle, None) or b"").decode()
        self._marks = self._user_defined_marks()
        self.is_end = lru_cache(maxsize=4096)(self._is_end)
        self.piece = lru_cache(maxsize=65536)(self._piece)

    @property
    def handle(self) -> int:
        """The llama_model pointer, for a context of these weights."""
        return self._handle

    @contextmanager
    def in_use(self) -> Generator[int]:
        """The llama_vocab pointer, valid within.

        Raises:
            EngineError: the weights were freed.
        """
        with self._gate:
            if not self._handle:
                raise EngineError("the engine is closed")
            self._users += 1
        try:
            yield self._vocab
        finally:
            with self._gate:
                self._users -= 1
                self._gate.notify_all()

    def load_adapter(self, path: Path) -> int:
        """The llama_adapter_lora pointer of a LoRA adapter, which is freed with the weights. No decode may be running.

        Raises:
            AdapterError: llama.cpp refused the file, such as one whose shapes are another model's.
        """
        with self.in_use():
            first_error()
            handle: int = (
                ctypes.cast(c.llama_adapter_lora_init(self._handle, os.fsencode(path)), ctypes.c_void_p).value or 0
            )
        if not handle:
            raise AdapterError(f"llama.cpp refuses the adapter {path}: {first_error()}", remedy=_ADAPTER_REMEDY)
        return handle

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Tokens of `text`; text that spells a special token becomes one only if `special`.

        llama.cpp makes tokens of what a vocabulary calls user-defined, like <tool_call>, in any case: unless `special`,
        such a mark is cut after its first character.

        Long text is tokenized in pieces cut at white space, always at the same places: the same text, the same tokens.
        """
        tokens: list[int] = []
        start = 0
        while start < len(text):
            end = _cut(text, start)
            for piece in [text[start:end]] if special else self._apart(text[start:end]):
                tokens += self._tokenize(piece, special=special)
            start = end
        return tokens

    def _apart(self, text: str) -> Iterator[str]:
        """The text in pieces, none of which spells a mark."""
        start = 0
        for mark in self._marks.finditer(text) if self._marks else ():
            yield text[start : mark.start() + 1]
            start = mark.start() + 1
        yield text[start:]

    def _user_defined_marks(self) -> re.Pattern[str] | None:
        """Where the text of a user-defined token begins that is set in brackets; others are words and spaces, which may
        be tokens."""
        if c.llama_vocab_type(self._vocab) == c.LLAMA_VOCAB_TYPE_NONE:  # made weights: asked for one, llama.cpp aborts
            return None
        found = (
            self._text(token, special=True).decode(errors="replace")
            for token in range(self.vocab_size)
            if c.llama_vocab_get_attr(self._vocab, token) & _USER_DEFINED
        )
        marks = [re.escape(text) for text in found if text[:1] + text[-1:] in ("<>", "[]") and len(text) > 2]
        return re.compile(f"(?={'|'.join(marks)})") if marks else None

    def _tokenize(self, text: str, *, special: bool) -> list[int]:
        data = text.encode(errors="replace")  # a lone surrogate is no UTF-8, and llama.cpp would end the process
        room = len(data) + 2
        buffer = (ctypes.c_int32 * room)()
        with self.in_use() as vocab:
            count: int = c.llama_tokenize(vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            raise EngineError(f"the tokenizer failed with {count}")
        return buffer[:count]

    def spell(self, token: int) -> str:
        """The text of a token, a special one's spelled out."""
        return self._text(token, special=True).decode(errors="replace")

    def _special(self, token: int) -> str:
        return "" if token < 0 else self.spell(token)

    def _is_end(self, token: int) -> bool:
        """Whether the token ends a turn or the text."""
        with self.in_use() as vocab:
            return c.llama_vocab_is_eog(vocab, token)

    def _piece(self, token: int) -> bytes:
        """The bytes that the token stands for; none for a special token."""
        return self._text(token, special=False)

    def _text(self, token: int, *, special: bool) -> bytes:
        with self.in_use() as vocab:
            room = _PIECE_BYTES
            buffer = ctypes.create_string_buffer(room)
            length: int = c.llama_token_to_piece(vocab, token, buffer, room, 0, special)
            if length < 0:
                room = -length
                buffer = ctypes.create_string_buffer(room)
                length = c.llama_token_to_piece(vocab, token, buffer, room, 0, special)
        return buffer.raw[:length]

    def close(self) -> None:
        """Free the weights; every context of them must be closed before."""
        with self._gate:
            self._gate.wait_for(lambda: not self._users)
            if self._handle:
                c.llama_model_free(self._handle)
                self._handle = 0


def _cut(text: str, start: int) -> int:
    """Where the piece of `text` from `start` ends: before white space, so that no word is torn."""
    limit = start + _TEXT_CHUNK
    if limit >= len(text):
        return len(text)
    cut = max(text.rfind("\n", start + 1, limit), text.rfind(" ", start + 1, limit))
    return cut if cut > start else limit


class Batch:
    """Tokens for one decode, of many sequences. Numpy owns the memory; llama.cpp reads it during the decode."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self._tokens = np.zeros(capacity, np.int32)
        self._positions = np.zeros(capacity, np.int32)
        self._sequences = np.zeros(capacity, np.int32)
        self._counts = np.ones(capacity, np.int32)
        self._wanted = np.zeros(capacity, np.int8)
        self._pointers = self._sequences.ctypes.data + 4 * np.arange(capacity, dtype=np.uint64)

    def clear(self) -> None:
        """Forget the tokens."""
        self.size = 0

    def add(self, sequence: int, position: int, tokens: NDArray[np.int32], *, wanted: bool) -> int:
        """Add tokens of one sequence from `position` on; the row of the last one, whose logits may be wanted."""
        end = self.size + len(tokens)
        span = slice(self.size, end)
        self._tokens[span] = tokens
        self._positions[span] = np.arange(position, position + len(tokens), dtype=np.int32)
        self._sequences[span] = sequence
        self._wanted[span] = 0
        self._wanted[end - 1] = wanted
        self.size = end
        return end - 1

    def struct(self) -> Any:
        """The tokens as llama.cpp takes them; valid while this object lives."""

        def pointer(array: NDArray[np.generic], kind: type[ctypes.c_int32] | type[ctypes.c_int8]) -> Any:
            return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))

        batch = c.llama_batch()
        batch.n_tokens = self.size
        batch.token = pointer(self._tokens, ctypes.c_int32)
        batch.pos = pointer(self._positions, ctypes.c_int32)
        batch.n_seq_id = pointer(self._counts, ctypes.c_int32)
        batch.seq_id = ctypes.cast(self._pointers.ctypes.data, ctypes.POINTER(ctypes.POINTER(ctypes.c_int32)))
        batch.logits = pointer(self._wanted, ctypes.c_int8)
        return batch


class Context:
    """The KV memory of many sequences over one set of weights. Not thread-safe: the decode thread owns it.

    Args:
        cells: KV cells, one a token, shared by all sequences.
        sequences: the most sequences at a time.
        batch: the most tokens a decode.
        threads: the most that decode; fewer do where other programs take the processors, unless another device
            computes, too, which a thread may well wait for.

    Raises:
        LoadError: there is no memory for it.
    """

    def __init__(self, weights: Weights, *, cells: int, sequences: int, batch: int, threads: int) -> None:
        params = c.llama_context_default_params()
        params.n_ctx = cells
        params.n_batch = params.n_ubatch = batch
        params.n_seq_max = sequences
        params.kv_unified = True
        params.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_AUTO
        handle = c.llama_init_from_model(weights.handle, params)
        if not handle:
            raise LoadError(
                f"no memory for a context of {cells} tokens", remedy="Open the model with a smaller context"
            )
        self._handle: int = handle
        self._memory: int = c.llama_get_memory(handle)
        self._vocab_size = weights.vocab_size
        self._adapters = NO_ADAPTERS
        self._watch = Watch(Threads(threads, least=threads if weights.offloaded else 1), self._stop)
        self._flags = threading.Lock()
        self._given_up = False
        self._interrupted = ctypes.create_string_buffer(2)
        # What llama.cpp asks between two steps of a decode: strlen of a flag, for Python would need its lock each time.
        self._ends_decode = ctypes.cast(ctypes.CDLL(None).strlen, c.ggml_abort_callback)
        c.llama_set_abort_callback(handle, self._ends_decode, ctypes.cast(self._interrupted, ctypes.c_void_p))
        self.cells: int = c.llama_n_ctx(handle)

    def adapt(self, adapters: AdapterSet) -> None:
        """Evaluate under these adapters from now on."""
        if adapters == self._adapters:
            return
        count = len(adapters.parts)
        handles = (c.llama_adapter_lora_p_ctypes * count)(
            *(ctypes.cast(handle, c.llama_adapter_lora_p_ctypes) for handle, _ in adapters.parts)
        )
        scales = (ctypes.c_float * count)(*(scale for _, scale in adapters.parts))
        c.llama_set_adapters_lora(self._handle, handles, count, scales)
        self._adapters = adapters

    def decode(self, batch: Batch) -> bool:
        """Evaluate the batch; False, and nothing evaluated, where it was interrupted.

        Raises:
            EngineError: llama.cpp failed, or had no room (the scheduler's accounts were wrong).
        """
        while True:
            with self._watch.decoding() as threads:
                c.llama_set_n_threads(self._handle, threads, threads)
                code: int = c.llama_decode(self._handle, batch.struct())
            if code not in (0, _ABORTED):
                raise EngineError(f"llama_decode failed with {code} on {batch.size} tokens")
            if code == 0 or self._given_up:
                return code == 0

    def interrupt(self, wanted: bool) -> None:
        """End the decode that is running, and every later one, until taken back; from any thread."""
        with self._flags:
            self._given_up = wanted
            self._interrupted[0] = wanted

    def _stop(self, wanted: bool) -> None:
        """End the decode that is running, which begins again; from any thread."""
        with self._flags:
            self._interrupted[0] = wanted or self._given_up

    def logits(self, row: int) -> NDArray[np.float32]:
        """Logits over the vocabulary after that row of the last batch; a view that the next decode overwrites."""
        return np.ctypeslib.as_array(c.llama_get_logits_ith(self._handle, row), (self._vocab_size,))

    def copy(self, source: int, target: int, length: int) -> None:
        """Let sequence `target` share the first `length` cells of `source`."""
        c.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def remove(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence, or its end from `start` on; cells that no other sequence shares are free."""
        c.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def clear(self) -> None:
        """Drop every sequence."""
        c.llama_memory_clear(self._memory, True)

    def save(self, sequence: int) -> bytes:
        """The KV of one sequence."""
        size: int = c.llama_state_seq_get_size(self._handle, sequence)
        buffer = (ctypes.c_uint8 * size)()
        written: int = c.llama_state_seq_get_data(self._handle, buffer, size, sequence)
        return bytes(memoryview(buffer)[:written])

    def restore(self, sequence: int, state: memoryview, length: int) -> bool:
        """Load a saved KV of `length` tokens into an empty sequence; False, and nothing loaded, if it does not fit."""
        start = ctypes.cast(np.frombuffer(state, np.uint8).ctypes.data, ctypes.POINTER(ctypes.c_uint8))
        read: int = c.llama_state_seq_set_data(self._handle, start, len(state), sequence)
        if read and c.llama_memory_seq_pos_max(self._memory, sequence) == length - 1:
            return True
        self.remove(sequence)
        return False

    def close(self) -> None:
        """Free the context."""
        self._watch.close()
        if self._handle:
            c.llama_free(self._handle)
            self._handle = 0
