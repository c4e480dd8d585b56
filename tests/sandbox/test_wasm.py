import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox import wasm


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_an_unsigned_integer_reads_back(value: int, rest: bytes) -> None:
    encoded = wasm.uint(value)
    assert wasm.read_uint(encoded + rest, 0) == (value, len(encoded))
    assert wasm.skip_int(encoded + rest, 0) == len(encoded)


@given(st.integers(-(2**31), 2**32 - 1))
def test_a_constant_is_what_wasmtime_reads(value: int) -> None:
    body = wasm.i32_const(value)
    module = wasm.assemble(
        iter(
            [
                wasm.Section(wasm.Id.GLOBAL, b"\x01\x7f\x00" + body),
                wasm.Section(wasm.Id.EXPORT, b"\x01\x01g\x03\x00"),
            ]
        )
    )
    store = wasmtime.Store(_ENGINE)
    instance = wasmtime.Instance(store, wasmtime.Module(_ENGINE, module), [])
    assert instance.exports(store)["g"].value(store) == (value + 2**31) % 2**32 - 2**31


_ENGINE = wasmtime.Engine()

_MODULE = bytes(
    wasmtime.wat2wasm("""(module
      (import "m" "f" (func (param i32 i64) (result f64)))
      (import "m" "g" (global (mut i32)))
      (import "m" "t" (table 1 2 funcref))
      (memory (export "memory") 1 3)
      (global (export "own") (mut f64) (f64.const 2.5))
      (func (export "run") (param i32) (result i64) (local i32 i32 f32)
        block block block local.get 0 br_table 0 1 2 end end end
        f32.const 1.5 drop f64.const 2.5 drop i64.const -77 drop
        i32.const 1 i32.const 2 local.get 0 select (result i32) drop
        i32.const 0 i32.const 7 i32.const 3 memory.fill
        i32.const 0 v128.load i8x16.extract_lane_u 3 drop
        v128.const i64x2 1 2 drop
        i32.const 300000 i64.load offset=200 align=4))""")
)


def test_assembling_the_sections_gives_the_module_back() -> None:
    assert wasm.assemble(wasm.sections(_MODULE)) == _MODULE


def test_imports_globals_and_limits_are_read() -> None:
    parts = {part.id: part.payload for part in wasm.sections(_MODULE)}
    imports, end = wasm.read_vector(parts[wasm.Id.IMPORT], 0, wasm.read_import)
    assert [(entry.kind, entry.name) for entry in imports] == [(0, "f"), (3, "g"), (1, "t")]
    assert end == len(parts[wasm.Id.IMPORT])
    assert wasm.read_vector(parts[wasm.Id.MEMORY], 0, wasm.read_limits)[0] == [(1, 3)]
    (own,), _ = wasm.read_vector(parts[wasm.Id.GLOBAL], 0, wasm.read_global)
    assert wasm.vector([own.encode()]) == parts[wasm.Id.GLOBAL]


def test_instructions_of_every_shape_are_walked_to_the_very_end() -> None:
    parts = {part.id: part.payload for part in wasm.sections(_MODULE)}
    ((body,), _) = wasm.read_vector(parts[wasm.Id.CODE], 0, wasm.read_body)
    declared, at = wasm.read_locals(body)
    assert declared == 3
    opcodes = list[int]()
    while at < len(body):
        opcodes.append(body[at])
        at = wasm.next_instruction(body, at)
    assert at == len(body)
    assert opcodes[:6] == [0x02, 0x02, 0x02, 0x20, 0x0E, 0x0B]
    assert opcodes[-3:] == [0x41, 0x29, 0x0B]


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ValueError, match="not a WebAssembly module"):
        list(wasm.sections(b"\0asm\x02\0\0\0"))


def test_an_unknown_opcode_is_refused() -> None:
    with pytest.raises(ValueError, match="0x1f"):
        wasm.next_instruction(b"\x1f\x40\x00", 0)
