"""A booted interpreter as a module: `prepare` before the boot, `freeze` after it. No code byte is touched.

Pyodide imports its mutable state in part (the `GOT.func` globals) and hides the rest. `prepare` makes the imported
globals its own and exports every mutable one, so that a live instance's state is its memory and those globals.
`freeze` writes that state back as data segments and initial values: instantiating the result is the boot.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rlm_sandbox import wasm
from rlm_sandbox.wasm import Global, Id, Kind, Section, uint

PAGE = 65536
_BLOCK = 4096
_ZEROS = bytes(_BLOCK)


class Prepared(NamedTuple):
    module: bytes
    mutable_globals: dict[int, str]
    """Index of each mutable global -> the name it is exported under."""


def prepare(module: bytes) -> Prepared:
    """Own and export the mutable state. Raises ValueError when an imported global is not an i32."""
    parts = {part.id: part.payload for part in wasm.sections(module)}
    imports = wasm.read_vector(parts[Id.IMPORT], 0, wasm.read_import)[0]
    imported = [entry for entry in imports if entry.kind == Kind.GLOBAL]
    if any(entry.type[:1] != b"\x7f" for entry in imported):
        raise ValueError("an imported global that is not an i32")
    own = wasm.read_vector(parts[Id.GLOBAL], 0, wasm.read_global)[0]
    state = [Global(b"\x7f", True, wasm.i32_const(0))] * len(imported) + own
    # What was imported is read only by code that resolves symbols of side modules, of which there are none.
    mutable = {index: f"state.{index}" for index in range(len(imported), len(state)) if state[index].mutable}
    exports = [wasm.uint(len(name)) + name.encode() + b"\x03" + uint(index) for index, name in mutable.items()]
    count, at = wasm.read_uint(parts[Id.EXPORT], 0)
    replaced: dict[int, bytes] = {
        Id.IMPORT: wasm.vector([entry.raw for entry in imports if entry.kind != Kind.GLOBAL]),
        Id.GLOBAL: wasm.vector([entry.encode() for entry in state]),
        Id.EXPORT: uint(count + len(exports)) + parts[Id.EXPORT][at:] + b"".join(exports),
    }
    return Prepared(wasm.assemble(_replace(module, replaced)), mutable)


def freeze(prepared: bytes, memory: memoryview, globals_: Mapping[int, int]) -> bytes:
    """The prepared module with `memory` as its initial memory and `globals_` (index -> i32) as initial values."""
    parts = {part.id: part.payload for part in wasm.sections(prepared)}
    (limits,) = wasm.read_vector(parts[Id.MEMORY], 0, wasm.read_limits)[0]
    maximum = limits[1]
    pages = uint(len(memory) // PAGE)
    state = wasm.read_vector(parts[Id.GLOBAL], 0, wasm.read_global)[0]
    for index, value in globals_.items():
        state[index] = state[index]._replace(initializer=wasm.i32_const(value))
    start, data = _used(memory)
    replaced: dict[int, bytes] = {
        Id.MEMORY: b"\x01\x00" + pages if maximum is None else b"\x01\x01" + pages + uint(maximum),
        Id.GLOBAL: wasm.vector([entry.encode() for entry in state]),
        Id.DATA_COUNT: uint(1),
        Id.DATA: wasm.vector([b"\0" + wasm.i32_const(start) + uint(len(data)) + data]),
    }
    return wasm.assemble(_replace(prepared, replaced))


def _replace(module: bytes, payloads: Mapping[int, bytes]) -> Iterator[Section]:
    for part in wasm.sections(module):
        yield Section(part.id, payloads.get(part.id, part.payload))


def _used(memory: memoryview) -> tuple[int, bytes]:
    """`(address, bytes)` from the first block that is not zero to the last. One segment, zeros within included: then
    Wasmtime maps it copy-on-write, which it does not where segments fill less than half of what they span."""
    used = [at for at in range(0, len(memory), _BLOCK) if bytes(memory[at : at + _BLOCK]) != _ZEROS]
    start, end = used[0], used[-1] + _BLOCK
    return start, bytes(memory[start:end])
