"""A hostile guest: calls of imports, with arguments that bytes decide, over a real memory and a real file system.

The property tests and the coverage-guided fuzzer make the bytes; `play` says what must hold whatever they are.
"""

import inspect
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wasmtime

from rlm_sandbox.imports import Implementation
from rlm_sandbox.imports.clocks import Clocks
from rlm_sandbox.imports.files import Files
from rlm_sandbox.imports.heap import Heap
from rlm_sandbox.imports.process import GuestExit, Process
from rlm_sandbox.imports.refused import REFUSED
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.nodes import Directory, Node
from rlm_sandbox.syserr import SysError
from rlm_sandbox.vfs import FileSystem

CORPUS = [bytes.fromhex(line) for line in Path(__file__).with_name("corpus.txt").read_text().split()]
"""Inputs of `play` that between them go all the ways that half an hour of fuzzing has found."""
PAGE = 65536
SIZE = 2 * PAGE
"""Bytes of the guest's memory at first; it may grow to twice as many."""
_AT_FDCWD = -100
_PATHS = [
    "/data",
    "/tmp",
    "/tmp/a",
    "/tmp/a/b",
    "/tmp/link",
    "a",
    "a/b",
    "..",
    "/dev/stdout",
    "/",
    "",
    "x" * 256,
    "\udcff",
]
_STRUCTS = {  # what calls expect to find in memory, at addresses that calls are likely to be given
    0x100: struct.pack("<IIII", 0x800, 64, 0x900, 16),  # two iovecs
    0x140: struct.pack("<IIII", SIZE - 8, 8, SIZE - 4, 8),  # the second reaches out of memory
    0x180: struct.pack("<qi4xqi4x", 1, 2, 3, 4),  # two timespecs
    0x1C0: struct.pack("<qi4xqi4x", -1, -1, 1 << 40, 1 << 30),
    0x200: struct.pack("<8i", *[2**31 - 1] * 8),  # struct tm
    0x240: struct.pack("<ihhihh", 0, 1, 0, 99, 4, 0),  # two pollfds
    0x280: struct.pack("<I", 0o100 | 2),
}
_NUMBERS = [
    0, 1, 2, 3, 4, 7, 8, 16, 255, 256, 280, 281, 1024, 1025, 4096, _AT_FDCWD, -1, -8, -(2**31), 2**31 - 1, PAGE, SIZE,
    SIZE - 1, SIZE - 8, 4 * PAGE, 4 * PAGE + 1, 0o100, 0o102, 0o1102, 0o2102, 0o200000, 0o400000, 0x100, 0x200, 0x1000,
    2**62, 2**63 - 1, -(2**63), 1030,
]  # fmt: skip


class NoInterrupts:
    """Time is up at once, so that nothing waits."""

    def pending(self) -> bool:
        return True

    def take(self) -> bool:
        return False


class Host:
    """All imports over a real, small linear memory."""

    def __init__(self) -> None:
        self.store = wasmtime.Store(wasmtime.Engine())
        self.store.set_limits(memory_size=4 * PAGE)
        self.memory = GuestMemory()
        limits = wasmtime.Limits(2, None)
        self.memory.attach(self.store, wasmtime.Memory(self.store, wasmtime.MemoryType(limits)))
        self.files = FileSystem(lambda: 1.0, most_bytes=1 << 16, most_nodes=64, most_descriptors=16)
        self.files.make_directories("/tmp")
        self.files.add_file("/data", b"0123456789")
        self.files.add_device("/dev/stdout", lambda _data: None)
        self.heap = Heap(self.memory, 4 * PAGE)
        tables = (
            Files(self.memory, self.files).table(),
            Clocks(self.memory).table(),
            self.heap.table(),
            Process(self.memory, self.files, NoInterrupts()).table(),
            REFUSED,
        )
        self.imports: dict[str, Implementation] = {name: body for table in tables for name, body in table.items()}

    def call(self, name: str, *arguments: int) -> Any:
        return self.imports[name](*arguments)

    def close(self) -> None:
        self.memory.release()
        self.store.close()


def arity(body: Implementation) -> int:
    """How many arguments the import takes; a few more than any for those that ignore them."""
    parameters = inspect.signature(body).parameters.values()
    return 8 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else sum(p.default is p.empty for p in parameters)


def _imports() -> dict[str, int]:
    host = Host()
    try:
        return {name: arity(body) for name, body in sorted(host.imports.items())}
    finally:
        host.close()


IMPORTS = _imports()
"""Every implemented import -> its number of arguments."""
NAMES = list(IMPORTS)


class _Bytes:
    """Choices that bytes make; zeros when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece.ljust(size, b"\0")

    def below(self, bound: int) -> int:
        return self.take(1)[0] % bound

    def argument(self) -> int:
        """A descriptor or a small number, an interesting number, the address of something, or anything."""
        kind = self.below(6)
        if kind <= 1:
            return self.below(16)
        if kind == 2:
            return _NUMBERS[self.below(len(_NUMBERS))]
        if kind == 3:
            return _ADDRESSES[self.below(len(_ADDRESSES))]
        return struct.unpack("<i", self.take(4))[0] if kind == 4 else struct.unpack("<q", self.take(8))[0]


_PATH_AT = {0x400 + 0x20 * index if len(path) < 0x20 else 0xA00: path for index, path in enumerate(_PATHS)}
_ADDRESSES = [*_STRUCTS, *_PATH_AT, 0xC00, SIZE - 2]


def play(data: bytes, first: str | None = None) -> None:
    """Call `first`, then what the bytes say, until they end or the guest does. Whatever the arguments: an import
    returns a number that its type holds, or fails with an error number, or ends the guest; and the file system keeps
    its books and its bounds."""
    source, host = _Bytes(data), Host()
    try:
        for address, record in _STRUCTS.items():
            host.memory.write(address, record)
        for address, path in _PATH_AT.items():
            host.memory.write(address, path.encode("utf-8", "surrogateescape") + b"\0")
        names: list[str] = [first] if first else []
        while names or source:
            if not names and (choice := source.take(1)[0]) >= 2 * len(NAMES):
                _poke(host, source)
                continue
            name = names.pop() if names else NAMES[choice % len(NAMES)]
            if not _call(host, name, [source.argument() for _ in range(IMPORTS[name])]):
                return
    finally:
        host.close()


def _poke(host: Host, source: _Bytes) -> None:
    address = _ADDRESSES[source.below(len(_ADDRESSES) - 1)]
    host.memory.write(address, source.take(source.below(24)))


def _call(host: Host, name: str, arguments: list[int]) -> bool:
    """Whether the guest lives on."""
    result = None
    try:
        result = host.call(name, *arguments)
    except GuestExit:
        return False
    except SysError:
        pass
    assert result is None or isinstance(result, float) or -(2**63) <= result < 2**63
    _check(host.files)
    assert host.memory.size <= 4 * PAGE
    return True


def _check(files: FileSystem) -> None:
    nodes = dict(_walk(files.root))
    names = sum(nodes.values())
    reached = {*nodes, *(file.node for file in files.descriptors.values())}
    assert files.nodes == names <= files.most_nodes
    assert files.used == sum(node.charged for node in reached) <= files.most_bytes
    assert all(0 <= number < files.most_descriptors for number in files.descriptors)
    assert files.lookup("/dev/stdout").fixed


def _walk(root: Directory) -> Iterator[tuple[Node, int]]:
    """Each node with how many names it has."""
    waiting: list[Directory] = [root]
    yield root, 1
    while waiting:
        for node in waiting.pop().entries.values():
            yield node, 1
            if isinstance(node, Directory):
                waiting.append(node)
