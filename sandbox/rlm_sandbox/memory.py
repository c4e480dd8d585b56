"""The guest's linear memory, as the host may touch it: every address and length is checked before use.

Addresses arrive as signed i32 and are taken modulo 2**32. Whatever does not lie in memory is `EFAULT`.
"""

import struct

import wasmtime

from rlm_sandbox import native
from rlm_sandbox.syserr import Errno, SysError

PAGE = 65536
_LONGEST_PATH = 4096
_MASK = 0xFFFFFFFF


class GuestMemory:
    """Reads and writes; `attach` before the first, `refresh` after the memory has grown."""

    def __init__(self) -> None:
        self._view = memoryview(b"")

    def attach(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store, self._memory = store, memory
        self.refresh()

    def refresh(self) -> None:
        size = self._memory.data_len(self._store)
        self._view = native.view_of(native.memory_address(self._store, self._memory), size)

    def release(self) -> None:
        """Before the store is closed: a view of unmapped memory would crash the host."""
        self._view = memoryview(b"")

    @property
    def size(self) -> int:
        return len(self._view)

    def grow(self, size: int) -> bool:
        """To at least `size` bytes; false where that is above the store's limit."""
        pages = (size - self.size + PAGE - 1) // PAGE
        try:
            self._memory.grow(self._store, pages)
        except wasmtime.WasmtimeError:
            return False
        self.refresh()
        return True

    def view(self, address: int, size: int) -> memoryview:
        """A writable window of `size` bytes (an i32, taken unsigned)."""
        address &= _MASK
        size &= _MASK
        if address + size > len(self._view):
            raise SysError(Errno.EFAULT)
        return self._view[address : address + size]

    def write(self, address: int, data: bytes | memoryview) -> None:
        self.view(address, len(data))[:] = data

    def unpack(self, layout: str, address: int) -> tuple[int, ...]:
        """Integers by a `struct` layout."""
        return struct.unpack(layout, self.view(address, struct.calcsize(layout)))

    def pack(self, layout: str, address: int, *values: int) -> None:
        struct.pack_into(layout, self.view(address, struct.calcsize(layout)), 0, *values)

    def u32(self, address: int) -> int:
        return self.unpack("<I", address)[0]

    def set_u32(self, address: int, value: int) -> None:
        self.pack("<I", address, value & _MASK)

    def set_u64(self, address: int, value: int) -> None:
        self.pack("<Q", address, value & 0xFFFFFFFFFFFFFFFF)

    def text(self, address: int) -> str:
        """A NUL-terminated path or message of at most 4,095 bytes; bytes that are not UTF-8 become surrogates."""
        address &= _MASK
        if address >= len(self._view):
            raise SysError(Errno.EFAULT)
        raw = bytes(self._view[address : address + _LONGEST_PATH])
        end = raw.find(0)
        if end < 0:
            raise SysError(Errno.ENAMETOOLONG)
        return raw[:end].decode("utf-8", "surrogateescape")
