"""The WebAssembly binary format, as far as the image build reads and writes it.

Source: WebAssembly Core Specification 3.0, chapter 5. Readers take `(data, at)` and return `(value, next position)`.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple, TypeVar

MAGIC = b"\0asm\x01\0\0\0"
EXNREF = b"\x69"

T = TypeVar("T")


class Id(IntEnum):
    """Section ids."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    CODE = 10
    DATA = 11
    DATA_COUNT = 12
    TAG = 13


class Kind(IntEnum):
    """What an import or export is."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3
    TAG = 4


class Section(NamedTuple):
    id: int
    payload: bytes


class FunctionType(NamedTuple):
    parameters: tuple[bytes, ...]
    results: tuple[bytes, ...]


class Import(NamedTuple):
    kind: int
    name: str
    type: bytes
    raw: bytes


class Global(NamedTuple):
    type: bytes
    mutable: bool
    initializer: bytes

    def encode(self) -> bytes:
        return self.type + bytes([self.mutable]) + self.initializer


def read_uint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def skip_int(data: bytes, at: int) -> int:
    """The position after a LEB128 of either sign."""
    while data[at] & 0x80:
        at += 1
    return at + 1


def uint(value: int) -> bytes:
    """`value` as an unsigned LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sint(value: int) -> bytes:
    """`value` as a signed LEB128."""
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def i32_const(value: int) -> bytes:
    """A constant expression for the 32-bit `value`, given signed or unsigned."""
    return b"\x41" + sint((value + 0x80000000) % 0x100000000 - 0x80000000) + b"\x0b"


def sections(module: bytes) -> Iterator[Section]:
    """The sections of a module in order. Raises ValueError when it is no WebAssembly 1 module."""
    if module[:8] != MAGIC:
        raise ValueError("not a WebAssembly module")
    at = 8
    while at < len(module):
        size, start = read_uint(module, at + 1)
        yield Section(module[at], module[start : start + size])
        at = start + size


def assemble(parts: Iterator[Section]) -> bytes:
    return MAGIC + b"".join(bytes([part.id]) + uint(len(part.payload)) + part.payload for part in parts)


def read_vector(data: bytes, at: int, read: Callable[[bytes, int], tuple[T, int]]) -> tuple[list[T], int]:
    """A count, then as many of what `read` reads."""
    count, at = read_uint(data, at)
    out: list[T] = []
    for _ in range(count):
        item, at = read(data, at)
        out.append(item)
    return out, at


def vector(items: list[bytes]) -> bytes:
    return uint(len(items)) + b"".join(items)


def read_value_type(data: bytes, at: int) -> tuple[bytes, int]:
    """A value type; `(ref ...)` takes a heap type after its first byte."""
    end = skip_int(data, at + 1) if data[at] in (0x63, 0x64) else at + 1
    return data[at:end], end


def read_name(data: bytes, at: int) -> tuple[str, int]:
    size, at = read_uint(data, at)
    return data[at : at + size].decode(), at + size


def read_function_type(data: bytes, at: int) -> tuple[FunctionType, int]:
    if data[at] != 0x60:
        raise ValueError(f"a type of form {data[at]:#x} where only functions are expected")
    parameters, at = read_vector(data, at + 1, read_value_type)
    results, at = read_vector(data, at, read_value_type)
    return FunctionType(tuple(parameters), tuple(results)), at


def read_limits(data: bytes, at: int) -> tuple[tuple[int, int | None], int]:
    """`(minimum, maximum or None)`."""
    flags = data[at]
    minimum, at = read_uint(data, at + 1)
    if not flags & 1:
        return (minimum, None), at
    maximum, at = read_uint(data, at)
    return (minimum, maximum), at


def read_import(data: bytes, at: int) -> tuple[Import, int]:
    start = at
    _module, at = read_name(data, at)
    name, at = read_name(data, at)
    kind, at = data[at], at + 1
    described = at
    if kind == Kind.FUNCTION:
        at = skip_int(data, at)
    elif kind == Kind.TABLE:
        _, at = read_limits(data, read_value_type(data, at)[1])
    elif kind == Kind.MEMORY:
        _, at = read_limits(data, at)
    elif kind == Kind.GLOBAL:
        at = read_value_type(data, at)[1] + 1
    else:
        at = skip_int(data, at + 1)
    return Import(kind, name, data[described:at], data[start:at]), at


def read_global(data: bytes, at: int) -> tuple[Global, int]:
    """A global with a constant initialiser (i32, i64, f64, another global, or a null reference)."""
    type_, at = read_value_type(data, at)
    mutable, at = bool(data[at]), at + 1
    end = at + 9 if data[at] == 0x44 else skip_int(data, at + 1)
    if data[at] not in (0x23, 0x41, 0x42, 0x44, 0xD0) or data[end] != 0x0B:
        raise ValueError(f"a global initialised by opcode {data[at]:#x}")
    return Global(type_, mutable, data[at : end + 1]), end + 1


def read_body(data: bytes, at: int) -> tuple[bytes, int]:
    """One function body of the code section, without its size."""
    size, at = read_uint(data, at)
    return data[at : at + size], at + size


def read_locals(body: bytes) -> tuple[int, int]:
    """`(number of declared locals, position of the first instruction)` of a function body."""
    groups, at = read_uint(body, 0)
    total = 0
    for _ in range(groups):
        count, at = read_uint(body, at)
        total += count
        at = read_value_type(body, at)[1]
    return total, at


# Opcode -> how many LEB128 operands follow; opcodes with other operands are not here.
_OPERANDS = {
    **dict.fromkeys([0x00, 0x01, 0x05, 0x0A, 0x0B, 0x0F, 0x19, 0x1A, 0x1B, 0xD1, 0xD3, 0xD4, *range(0x45, 0xC5)], 0),
    **dict.fromkeys([0x07, 0x08, 0x09, 0x0C, 0x0D, 0x10, 0x12, 0x14, 0x15, 0x18, *range(0x20, 0x27)], 1),
    **dict.fromkeys([0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2, 0xD5, 0xD6], 1),
    **dict.fromkeys([0x11, 0x13, *range(0x28, 0x3F)], 2),
}


def next_instruction(body: bytes, at: int) -> int:
    """The position after the instruction at `at`. Raises ValueError on an opcode outside what Pyodide's build uses
    (MVP, sign extension, bulk memory, saturating conversions, references, tail calls, legacy exceptions, SIMD)."""
    opcode = body[at]
    at += 1
    operands = _OPERANDS.get(opcode)
    if operands is not None:
        for _ in range(operands):
            at = skip_int(body, at)
        return at
    match opcode:
        case 0x02 | 0x03 | 0x04 | 0x06:  # block, loop, if, try: a block type
            return skip_int(body, at + 1) if body[at] in (0x63, 0x64) else skip_int(body, at)
        case 0x0E:  # br_table: labels and the default
            labels, at = read_uint(body, at)
            for _ in range(labels + 1):
                at = skip_int(body, at)
            return at
        case 0x1C:  # select with types
            return read_vector(body, at, read_value_type)[1]
        case 0x43 | 0x44:  # f32.const, f64.const
            return at + 4 * (opcode - 0x42)
        case 0xFC:
            return _after_prefixed_fc(body, at)
        case 0xFD:
            return _after_simd(body, at)
        case _:
            raise ValueError(f"unknown opcode {opcode:#x} at {at - 1}")


def _after_prefixed_fc(body: bytes, at: int) -> int:
    sub, at = read_uint(body, at)
    if sub < 8:
        return at
    if sub in (9, 11, 13, 15, 16, 17):
        return skip_int(body, at)
    return skip_int(body, skip_int(body, at))


def _after_simd(body: bytes, at: int) -> int:
    sub, at = read_uint(body, at)
    if sub <= 11 or sub in (92, 93):
        return skip_int(body, skip_int(body, at))
    if sub in (12, 13):
        return at + 16
    if 21 <= sub <= 34:
        return at + 1
    if 84 <= sub <= 91:
        return skip_int(body, skip_int(body, at)) + 1
    return at
