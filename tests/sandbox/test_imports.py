"""Every import with hostile arguments: an error number or a clean end, and no byte outside the guest's memory."""

import inspect
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_sandbox import Image, vfs
from rlm_sandbox.imports import ImportRefused, link
from rlm_sandbox.syserr import Errno, SysError
from tests.sandbox.hostile import CORPUS, IMPORTS, NAMES, PAGE, SIZE, Host, play


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(data=st.binary(max_size=80))
def test_hostile_arguments_are_errors_and_nothing_else(name: str, data: bytes) -> None:
    play(data, name)


@settings(max_examples=500)
@given(data=st.binary(max_size=400))
def test_nor_are_hostile_calls_in_any_order(data: bytes) -> None:
    play(data)


@pytest.mark.parametrize("data", CORPUS, ids=bytes.hex)
def test_nor_are_those_that_a_fuzzer_has_found(data: bytes) -> None:
    play(data)


@pytest.mark.parametrize("pointer", [SIZE, SIZE - 3, -1, -(2**31)])
def test_pointers_past_the_end_fault(host: Host, pointer: int) -> None:
    host.memory.write(100, b"/data\0")
    descriptor = host.call("__syscall_openat", -100, 100, 0, 0)
    for name, *arguments in [
        ("clock_time_get", 0, 0, pointer),
        ("random_get", pointer, 16),
        ("__syscall_stat64", 100, pointer),
        ("fd_read", descriptor, pointer, 1, 300),
        ("environ_sizes_get", 400, pointer),
    ]:
        with pytest.raises(SysError) as caught:
            host.call(name, *arguments)
        assert caught.value.errno is Errno.EFAULT


def test_a_path_that_does_not_end_is_too_long(host: Host) -> None:
    host.memory.write(0, b"x" * 5000)
    with pytest.raises(SysError, match="ENAMETOOLONG"):
        host.call("__syscall_chdir", 0)
    host.memory.write(SIZE - 4, b"abcd")
    with pytest.raises(SysError, match="ENAMETOOLONG"):
        host.call("__syscall_chdir", SIZE - 4)


def test_a_vector_that_reaches_out_of_memory_reads_nothing_there(host: Host) -> None:
    host.memory.write(100, b"/data\0")
    descriptor = host.call("__syscall_openat", -100, 100, 0, 0)
    host.memory.write(200, struct.pack("<IIII", 300, 4, SIZE - 2, 4))
    with pytest.raises(SysError, match="EFAULT"):
        host.call("fd_read", descriptor, 200, 2, 400)
    assert bytes(host.memory.view(300, 4)) == b"0123"
    with pytest.raises(SysError, match="EINVAL"):
        host.call("fd_read", descriptor, 200, 5000, 400)


def test_memory_grows_up_to_the_limit_and_refusals_are_counted(host: Host) -> None:
    assert host.call("emscripten_resize_heap", 3 * PAGE) == 1
    assert host.memory.size == 3 * PAGE
    assert host.call("emscripten_resize_heap", 5 * PAGE) == 0
    assert host.call("emscripten_resize_heap", -1) == 0
    assert host.heap.refusals == 2
    host.memory.write(3 * PAGE - 1, b"x")
    with pytest.raises(SysError, match="EFAULT"):
        host.memory.write(3 * PAGE, b"x")


def test_a_wait_ends_when_an_interrupt_is_pending(host: Host) -> None:
    with pytest.raises(SysError, match="EINTR"):
        host.call("__syscall_poll", 0, 0, -1)


def test_dates_no_calendar_holds_do_no_harm(host: Host) -> None:
    host.call("_gmtime_js", 2**62, 100)
    assert bytes(host.memory.view(100, 32)) == bytes(32)
    host.memory.write(100, struct.pack("<8i", *[2**31 - 1] * 8))
    assert host.call("_timegm_js", 100) == -1


def test_opened_files_say_they_are_no_terminal(host: Host) -> None:
    descriptor = host.files.open("/dev/stdout", vfs.O_RDWR)
    host.call("fd_fdstat_get", descriptor, 100)
    assert host.memory.view(100, 1)[0] == 4


def test_each_import_takes_as_many_arguments_as_pyodide_gives(image: Image) -> None:
    host = Host()
    given_ = {
        entry.name: len(entry.type.params)
        for entry in image.program().module.imports
        if isinstance(entry.type, wasmtime.FuncType)
    }
    assert set(NAMES) <= set(given_)
    any_number = {
        name
        for name, body in host.imports.items()
        if any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(body).parameters.values())
    }
    host.close()
    assert {name: count for name, count in IMPORTS.items() if name not in any_number} == {
        name: count for name, count in given_.items() if name in set(NAMES) - any_number
    }


def test_what_is_in_no_table_is_refused_by_name() -> None:
    engine = wasmtime.Engine()
    module = wasmtime.Module(
        engine,
        """(module (import "env" "JsProxy_GetAttr_js" (func $js))
             (import "env" "__syscall_dup" (func $dup (result i32)))
             (import "wasi_snapshot_preview1" "fd_close" (func $close (result i32)))
             (func (export "js") call $js) (func (export "dup") (result i32) call $dup)
             (func (export "close") (result i32) call $close))""",
    )

    def fails() -> int:
        raise SysError(Errno.EBADF)

    store = wasmtime.Store(engine)
    instance = link(engine, module, {"__syscall_dup": fails, "fd_close": fails}).instantiate(store, module)
    exports: Any = instance.exports(store)
    with pytest.raises(ImportRefused, match=r"^JsProxy_GetAttr_js$"):
        exports["js"](store)
    assert (exports["dup"](store), exports["close"](store)) == (-8, 8)


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("__syscall_getdents64", (3, 0x800, 279), "EINVAL"),
        ("__syscall_readlinkat", (-100, 0x400, 0x800, 0), "EINVAL"),
        ("__syscall_fcntl64", (3, 0, 0x500), "EINVAL"),
        ("__syscall_dup3", (3, 3, 0), "EINVAL"),
        ("__syscall_dup3", (3, 16, 0), "EBADF"),
        ("__syscall_faccessat", (-100, 0x400, 8, 0), "EINVAL"),
        ("__syscall_utimensat", (-100, 0x400, 0x500, 0), "EINVAL"),
        ("__syscall_ioctl", (3, 0x5401, 0), "ENOTTY"),
        ("clock_res_get", (9, 0x800), "EINVAL"),
        ("random_get", (0x800, 1 << 20), "EINVAL"),
    ],
)
def test_the_error_number_is_the_one_that_linux_gives(
    host: Host, name: str, arguments: tuple[int, ...], error: str
) -> None:
    host.memory.write(0x400, b"/\0")
    host.memory.write(0x500, struct.pack("<qi4x", -1, -1))
    for _ in range(4):
        host.call("__syscall_openat", -100, 0x400, 0, 0)
    with pytest.raises(SysError, match=f"^{error}$"):
        host.call(name, *arguments)


def test_times_can_be_now_or_stay(host: Host) -> None:
    host.memory.write(0x400, b"/tmp\0")
    host.memory.write(0x500, struct.pack("<qi4xqi4x", 0, 0x3FFFFFFF, 0, 0x3FFFFFFE))
    node = host.files.lookup("/tmp")
    node.accessed = node.modified = 5.0
    host.call("__syscall_utimensat", -100, 0x400, 0x500, 0)
    assert (node.accessed, node.modified) == (1.0, 5.0)
