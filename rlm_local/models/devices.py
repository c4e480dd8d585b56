"""Devices: what llama.cpp can compute on beside the processor, and how much of a model fits there.

A build of llama-cpp-python has CUDA, Metal, Vulkan or another backend compiled in, or none. Layers of a model go to
its devices as long as there is memory; the rest stays with the processor.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

from rlm_local.models.errors import LibraryError
from rlm_local.models.gguf import GgufHeader
from rlm_local.models.native import Setup, c, use

_GPU_KINDS = (1, 2)  # of ggml_backend_dev_type: a GPU, and one that shares the processor's memory
_SPARED = 1 << 30  # bytes on each device for the buffers of a decode and the backend itself


@dataclass(frozen=True)
class Device:
    """A device, with its memory in bytes."""

    name: str
    description: str
    free: int
    total: int

    @property
    def room(self) -> int:
        """Bytes that a model may have there."""
        return max(0, self.free - _SPARED)


def devices() -> list[Device]:
    """The devices that this build of llama.cpp finds, without the processor."""
    library: Any = c._lib
    library.ggml_backend_dev_count.restype = ctypes.c_size_t
    library.ggml_backend_dev_get.restype = ctypes.c_void_p
    found: list[Device] = []
    for number in range(library.ggml_backend_dev_count()):
        handle = ctypes.c_void_p(library.ggml_backend_dev_get(ctypes.c_size_t(number)))
        if library.ggml_backend_dev_type(handle) in _GPU_KINDS:
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            library.ggml_backend_dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
            name = _text(library.ggml_backend_dev_name, handle)
            description = _text(library.ggml_backend_dev_description, handle)
            found.append(Device(name, description, free.value, total.value))
    return found


def known_devices(setup: Setup) -> list[Device]:
    """Those of the library that is here, without trying it; none where none is, or where its trial found none."""
    try:
        library, verdict = setup.look(anew=False)
        return devices() if verdict.devices and use(library) else []
    except LibraryError:
        return []


def layers_that_fit(found: list[Device], header: GgufHeader, *, weights: int, cells: int) -> int:
    """How many of a model's layers, the last ones first, fit on devices, their KV with them.

    Args:
        weights: bytes of all of them. Its layers are taken to be alike, and what comes after them to be one more.
        cells: of KV.
    """
    if not header.layers:
        return 0
    layer = weights / (header.layers + 1) + cells * header.cell_bytes / header.layers
    return min(header.layers + 1, sum(int(device.room // layer) for device in found))


def _text(function: Any, handle: ctypes.c_void_p) -> str:
    function.restype = ctypes.c_char_p
    return (function(handle) or b"").decode(errors="replace")
