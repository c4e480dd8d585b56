"""Imports on the size of memory."""

from rlm_sandbox.imports import Imports, implements
from rlm_sandbox.memory import GuestMemory

_WASM32_LIMIT = 0xFFFF0000


class Heap(Imports):
    """Grows the guest's memory. `refusals` counts what the limit did not allow."""

    def __init__(self, memory: GuestMemory, limit: int) -> None:
        self.memory = memory
        self.limit = min(limit, _WASM32_LIMIT)
        self.refusals = 0

    @implements("emscripten_get_heap_max")
    def most(self) -> int:
        """Bytes that memory may grow to."""
        return self.limit

    @implements("emscripten_resize_heap")
    def resize(self, wanted: int) -> int:
        """1 where memory now has at least `wanted` bytes, else 0. It asks for a fifth more than there is, for growth
        costs."""
        wanted &= 0xFFFFFFFF
        if wanted <= self.limit:
            generous = min(max(wanted, self.memory.size * 6 // 5), self.limit)
            if self.memory.grow(generous) or self.memory.grow(wanted):
                return 1
        self.refusals += 1
        return 0
