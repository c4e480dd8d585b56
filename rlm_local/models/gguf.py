"""GGUF: the header of a weights file, read with bounds before llama.cpp sees the file.

llama.cpp parses GGUF in C++ and has trusted counts and offsets in it before; here every number is checked against the
size of the file. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path

from rlm_local.models.errors import GgufError

Scalar = str | int | float | bool
Numbers = tuple[int | float | bool, ...]

_VERSIONS = (2, 3)
_MOST_ENTRIES = 65_536  # of metadata, and of tensors
_MOST_NAME = 65_535  # bytes of a key or a tensor's name
_MOST_STRING = 16_000_000  # bytes of a value
_MOST_DIMENSIONS = 4
_MOST_LAYERS = 1_024
_MOST_KEPT = _MOST_LAYERS  # numbers of a list; longer ones are the vocabulary's
_MOST_ALIGNMENT = 65_536

_RECURRENT = ("ssm", "wkv", "kda", "shortconv")
"""What the keys of such layers begin with: llama.cpp's src/llama-arch.cpp."""

STATEFUL = frozenset(
    "mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 arwkv7 jamba falcon-h1 plamo2 granitehybrid lfm2 lfm2moe nemotron_h "
    "nemotron_h_moe qwen3next qwen35 qwen35moe kimi-linear minimax-01".split()
)
"""Architectures with such layers, by name, for who has no file yet: the same source. A file says it better."""

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

# ggml type: (elements a block, bytes a block); types that are not here are newer than this table
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


@dataclass(frozen=True)
class GgufHeader:
    """What the file says of itself.

    Attributes:
        metadata: single values by key.
        lists: short lists of numbers by key, such as one for each layer; longer ones and texts (the vocabulary) are
            checked and left out.
    """

    metadata: dict[str, Scalar]
    lists: dict[str, Numbers] = field(default_factory=dict[str, Numbers])

    @property
    def architecture(self) -> str:
        """The family of the model, such as "qwen2"; empty if the file does not say."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def layers(self) -> int:
        """How many there are; 0 if the file does not say."""
        return min(self._number("block_count"), _MOST_LAYERS)

    @property
    def trained_context(self) -> int:
        """Tokens that the model was trained to take in at most; 0 if the file does not say."""
        return self._number("context_length")

    @property
    def recurrent(self) -> bool:
        """Whether layers carry a state from token to token, where others look back at all tokens: state space models,
        short convolutions, linear attention."""
        return any(key.startswith(f"{self.architecture}.{part}.") for key in self.metadata for part in _RECURRENT)

    @property
    def cell_bytes(self) -> int:
        """KV of one token, of all layers: keys and values in 16 bits each; 0 if the file does not say."""
        heads = self._each("attention.head_count")
        width = self._number("attention.key_length") or self._number("embedding_length") // max([1, *heads])
        narrow = self._number("attention.key_length_swa") or width  # of layers that look at a window alone
        counts = self._each("attention.head_count_kv") or heads
        slides = self._each("attention.sliding_window_pattern") or [0] * self.layers
        own = self.layers - self._number("attention.shared_kv_layers")  # the last ones may use what others have
        return sum(
            2 * 2 * count * (narrow if sliding else width)
            for count, sliding in zip(counts[:own], slides[:own], strict=True)
        )

    def _each(self, name: str) -> list[int]:
        """A number for each layer, of a file that has one for each or one for all; none if the file does not say."""
        key = f"{self.architecture}.{name}"
        numbers = [max(0, number) for number in self.lists.get(key, ()) if isinstance(number, int)]
        if key in self.metadata or 0 < len(numbers) < self.layers:
            numbers += [numbers[-1] if numbers else self._number(name)] * self.layers
        return numbers[: self.layers]

    def _number(self, name: str) -> int:
        value = self.metadata.get(f"{self.architecture}.{name}", 0)
        return max(0, int(value)) if isinstance(value, int) else 0


def read_header(path: Path) -> GgufHeader:
    """Read and check the header of a GGUF file.

    Raises:
        GgufError: it cannot be read, is no GGUF of a known version, is cut short, or claims what it cannot hold.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(path, data).header()
    except (OSError, ValueError) as error:  # mmap says ValueError of an empty file
        raise GgufError(f"{path} cannot be read: {error}", remedy="Give a GGUF file") from error


class _Reader:
    """A place in the file that only moves forward, and never past the end."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path = path
        self._data = data
        self._size = len(data)
        self._at = 0

    def header(self) -> GgufHeader:
        if self._take(4, "the magic number") != b"GGUF":
            raise self._error("is no GGUF file: it does not begin with GGUF")
        version = self._number("<I", "the version")
        if version not in _VERSIONS:
            raise self._error(f"has GGUF version {version}; versions {_VERSIONS} are known")
        tensors = self._count("tensors", _MOST_ENTRIES)
        entries = self._count("metadata entries", _MOST_ENTRIES)
        metadata: dict[str, Scalar] = {}
        lists: dict[str, Numbers] = {}
        seen: set[str] = set()
        for _ in range(entries):
            key = self._string("a key", _MOST_NAME)
            if key in seen:
                raise self._error(f"has the key {key!r} twice")
            seen.add(key)
            value = self._value(key)
            if isinstance(value, tuple):
                lists[key] = value
            elif value is not None:
                metadata[key] = value
        self._tensors(tensors, metadata)
        return GgufHeader(metadata, lists)

    def _value(self, key: str) -> Scalar | Numbers | None:
        kind = self._number("<I", f"the type of {key}")
        if kind == _STRING:
            return self._string(key, _MOST_STRING)
        if kind != _ARRAY:
            return self._scalar(kind, key)
        kind = self._number("<I", f"the element type of {key}")
        if kind == _STRING:
            self._skip_strings(self._count(key, self._size // 8), key)
            return None
        layout = self._layout(kind, key)
        count = self._count(key, self._size)
        if count > _MOST_KEPT:
            self._skip(count * struct.calcsize(layout), key)
            return None
        return struct.unpack(f"<{count}{layout[1:]}", self._take(count * struct.calcsize(layout), key))

    def _scalar(self, kind: int, key: str) -> Scalar:
        layout = self._layout(kind, key)
        return struct.unpack(layout, self._take(struct.calcsize(layout), key))[0]

    def _layout(self, kind: int, key: str) -> str:
        if kind not in _SCALARS:
            raise self._error(f"has the unknown value type {kind} for {key}")
        return _SCALARS[kind]

    def _tensors(self, count: int, metadata: dict[str, Scalar]) -> None:
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= _MOST_ALIGNMENT or alignment & (alignment - 1):
            raise self._error(f"has the alignment {alignment!r}, which is no power of two")
        extents = [self._tensor(alignment) for _ in range(count)]
        start = -(-self._at // alignment) * alignment
        for name, offset, size in extents:
            if start + offset + size > self._size:
                raise self._error(
                    f"is cut short: tensor {name} ends at {start + offset + size}, the file at {self._size}"
                )

    def _tensor(self, alignment: int) -> tuple[str, int, int]:
        """Name, offset into the data, and size in bytes of a tensor."""
        name = self._string("a tensor's name", _MOST_NAME)
        dimensions = self._number("<I", f"the dimensions of {name}")
        if dimensions > _MOST_DIMENSIONS:
            raise self._error(f"has a tensor {name} of {dimensions} dimensions")
        elements = 1
        for _ in range(dimensions):
            elements *= self._number("<Q", f"the shape of {name}")
        kind = self._number("<I", f"the type of {name}")
        offset = self._number("<Q", f"the offset of {name}")
        if offset % alignment:
            raise self._error(f"has tensor {name} at {offset}, off the alignment of {alignment}")
        block, size = _BLOCKS.get(kind, (1, 0))
        if elements % block:
            raise self._error(f"has tensor {name} with {elements} elements, which are no blocks of {block}")
        return name, offset, elements // block * size

    def _string(self, what: str, most: int) -> str:
        length = self._count(f"bytes of {what}", most)
        return self._take(length, what).decode(errors="replace")

    def _count(self, what: str, most: int) -> int:
        count = self._number("<Q", f"the number of {what}")
        if count > min(most, self._size):
            raise self._error(f"claims {count} {what}")
        return count

    def _number(self, layout: str, what: str) -> int:
        return struct.unpack(layout, self._take(struct.calcsize(layout), what))[0]

    def _take(self, length: int, what: str) -> bytes:
        start = self._at
        self._skip(length, what)
        return self._data[start : self._at]

    def _skip_strings(self, count: int, key: str) -> None:
        """Past an array of strings: a vocabulary has hundreds of thousands, so that each call would be felt."""
        length_at, at, last = struct.Struct("<Q").unpack_from, self._at, self._size - 8
        for _ in range(count):
            if at > last:
                break
            (length,) = length_at(self._data, at)
            if length > _MOST_STRING:
                self._at = at
                raise self._error(f"claims {length} bytes of an element of {key}")
            at += 8 + length
        else:
            self._skip(at - self._at, key)
            return
        raise self._error(f"is cut short: {key} needs more than the {self._size} bytes of the file")

    def _skip(self, length: int, what: str) -> None:
        if length > self._size - self._at:
            raise self._error(f"is cut short: {what} needs {length} bytes, the file has {self._size}")
        self._at += length

    def _error(self, what: str) -> GgufError:
        return GgufError(f"{self._path} {what} (byte {self._at})", remedy="Fetch the file again")
