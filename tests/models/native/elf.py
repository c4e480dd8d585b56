"""Other machine code for a function of a shared object, so that a test needs no compiler. ELF of 64 bits."""

import struct
from pathlib import Path

DIES = bytes.fromhex("0f0b")  # ud2, which no x86 processor takes: SIGILL
RETURNS_AT_ONCE = bytes.fromhex("4889f8c3")  # mov rax, rdi; ret: a structure that is returned is left as it was

_DYNSYM = 11


def patch(path: Path, function: str, code: bytes) -> None:
    """Put the code where the function begins; the file becomes one of its own where it was a link."""
    data = bytearray(path.read_bytes())
    at = _offset(data, function)
    data[at : at + len(code)] = code
    path.unlink()
    path.write_bytes(data)


def _offset(data: bytearray, function: str) -> int:
    """Where the function begins in the file."""
    programs, sections = struct.unpack_from("<QQ", data, 32)
    program_count, _, section_count = struct.unpack_from("<HHH", data, 56)

    def section(number: int) -> tuple[int, ...]:
        return struct.unpack_from("<IIQQQQIIQQ", data, sections + 64 * number)

    _, _, _, _, symbols, size, strings, *_ = next(
        found for found in map(section, range(section_count)) if found[1] == _DYNSYM
    )
    names = section(strings)[4]
    for at in range(symbols, symbols + size, 24):
        name, _, _, _, address, _ = struct.unpack_from("<IBBHQQ", data, at)
        start = names + name
        if data[start : data.index(0, start)].decode() == function:
            for number in range(program_count):
                kind, _, offset, virtual, _, length = struct.unpack_from("<IIQQQQ", data, programs + 56 * number)
                if kind == 1 and virtual <= address < virtual + length:
                    return address - virtual + offset
    raise AssertionError(f"there is no function {function}")
