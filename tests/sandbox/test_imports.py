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
from rlm_sandbox.imports import Implementation, ImportRefused, link
from rlm_sandbox.imports.clocks import Clocks
from rlm_sandbox.imports.files import Files
from rlm_sandbox.imports.heap import Heap
from rlm_sandbox.imports.process import GuestExit, Process
from rlm_sandbox.imports.refused import REFUSED
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.vfs import FileSystem

PAGE = 65536
SIZE = 2 * PAGE


class NoInterrupts:
    """Time is up at once, so that nothing waits."""

    def check(self) -> None:
        pass

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
        self.files = FileSystem(lambda: 1.0, most_bytes=1 << 16)
        self.files.make_directories("/tmp")
        self.files.add_file("/data", b"0123456789")
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


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


_NAMES = sorted(Host().imports)
_POINTERS = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.sampled_from([0, 1, SIZE - 1, SIZE, SIZE - 8, PAGE, -1, -8, -(2**31), 2**31 - 1]),
    st.integers(0, SIZE),
)
_LONG = st.one_of(_POINTERS, st.integers(-(2**63), 2**63 - 1))


def _arity(body: Implementation) -> int:
    parameters = inspect.signature(body).parameters.values()
    return 8 if any(p.kind is p.VAR_POSITIONAL for p in parameters) else sum(p.default is p.empty for p in parameters)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_hostile_arguments_are_errors_and_nothing_else(data: st.DataObject) -> None:
    host = Host()
    try:
        for name in data.draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=6)):
            arguments = [data.draw(_LONG) for _ in range(_arity(host.imports[name]))]
            try:
                result = host.call(name, *arguments)
            except (SysError, GuestExit):
                continue
            assert result is None or isinstance(result, int | float)
            assert host.files.used <= host.files.most_bytes
            assert len(host.files.descriptors) <= host.files.most_descriptors
    finally:
        host.close()


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
    host.files.add_device("/dev/stdout", lambda _data: None)
    descriptor = host.files.open("/dev/stdout", vfs.O_RDWR)
    host.call("fd_fdstat_get", descriptor, 100)
    assert host.memory.view(100, 1)[0] == 4


def test_each_import_takes_as_many_arguments_as_pyodide_gives(image: Image) -> None:
    imports = Host().imports
    wrong: list[str] = []
    for entry in image.program().module.imports:
        if entry.name in imports and isinstance(entry.type, wasmtime.FuncType):
            body = imports[entry.name]
            if not any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(body).parameters.values()) and _arity(
                body
            ) != len(entry.type.params):
                wrong.append(entry.name)
    assert not wrong
    assert set(imports) <= {entry.name for entry in image.program().module.imports}


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
