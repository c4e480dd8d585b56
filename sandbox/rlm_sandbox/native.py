"""The Wasmtime engine, and what of its C interface wasmtime-py does not wrap.

Types stop here: what lies behind `wasmtime._ffi` is untyped, and nothing outside this file touches it.
"""

import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import wasmtime
from wasmtime import _ffi, _func  # pyright: ignore[reportPrivateUsage]
from wasmtime._extern import wrap_extern  # pyright: ignore[reportPrivateUsage]
from wasmtime._func import enter_wasm  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]

# The C interface, whose generated bindings have no types, and what turns a trap into an exception.
ffi: Any = _ffi
_entering: Any = enter_wasm

NATIVE_STACK = 64 << 20
"""Bytes of native stack the guest may use: what 100,000 nested JSON lists take. The thread needs a little more."""
THREAD_STACK = NATIVE_STACK + (8 << 20)

T = TypeVar("T")

_callbacks: list[Any] = []  # for as long as the process: a linker may call them
_no_finalizer: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()


def _raised(error: BaseException) -> int:
    """A trap that wasmtime-py will turn back into this exception."""
    _func.LAST_EXCEPTION = error
    trap = wasmtime.Trap("python exception")._consume()  # pyright: ignore[reportPrivateUsage]
    return ctypes.cast(trap, ctypes.c_void_p).value or 0


def engine(*, optimize: bool = True) -> wasmtime.Engine:
    """The engine that runs sessions, or one that compiles fast, for Pyodide's two seconds of boot. A compiled module
    runs only in an engine configured as the one it was compiled in.

    Compiled code does not look at a clock (Wasmtime's epochs would cost it 15 %): who runs it must be able to end its
    process."""
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.wasm_gc = True
    config.wasm_function_references = True
    config.wasm_reference_types = True
    config.wasm_tail_call = True
    if not optimize:
        config.cranelift_opt_level = "none"
    # Wasmtime aborts the process when the wasm stack is larger than its (unused) async stacks: this one goes first.
    pointer = ctypes.cast(config.ptr(), ctypes.c_void_p)
    _function("wasmtime_config_async_stack_size_set", ctypes.c_void_p, ctypes.c_size_t)(pointer, THREAD_STACK)
    config.max_wasm_stack = NATIVE_STACK
    return wasmtime.Engine(config)


def start_on_large_stack(function: Callable[[], T]) -> Future[T]:
    """Run what enters the guest in a thread with room for the guest's stack: a main thread has 8 MiB."""
    future: Future[T] = Future()

    def body() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    before = threading.stack_size(THREAD_STACK)
    try:
        threading.Thread(target=body, name="guest", daemon=True).start()
    finally:
        threading.stack_size(before)
    return future


def _function(name: str, *argument_types: Any) -> Any:
    """A function of the C library that returns nothing."""
    function: Any = ctypes.CDLL(ffi.dll._name)[name]
    function.restype, function.argtypes = None, argument_types
    return function


class Exports:
    """An instance's exports by name. `Instance.exports` would walk all 8,560 of them, which takes seconds."""

    def __init__(self, store: wasmtime.Store, instance: wasmtime.Instance) -> None:
        self._store, self._instance = store, instance
        self._found: dict[str, Any] = {}
        self._calls: dict[str, Call] = {}

    def _get(self, name: str) -> Any:
        if name not in self._found:
            item = ffi.wasmtime_extern_t()
            raw = name.encode()
            context = self._store._context()  # pyright: ignore[reportPrivateUsage]
            instance = ctypes.byref(self._instance._instance)  # pyright: ignore[reportPrivateUsage]
            if not ffi.wasmtime_instance_export_get(context, instance, raw, len(raw), ctypes.byref(item)):
                raise KeyError(name)
            self._found[name] = wrap_extern(item)
        return self._found[name]

    def function(self, name: str) -> wasmtime.Func:
        return self._get(name)

    def call(self, name: str, *arguments: int) -> int:
        """Call an exported function of integers; its i32 result is unsigned, 0 where there is none."""
        if name not in self._calls:
            self._calls[name] = Call(self._store, self.function(name))
        return self._calls[name](*arguments)

    def memory(self, name: str) -> wasmtime.Memory:
        return self._get(name)

    def table(self, name: str) -> wasmtime.Table:
        return self._get(name)

    def value(self, name: str) -> int:
        """The present value of an exported i32 global: for a data symbol, its address."""
        return self._get(name).value(self._store)


class Call:
    """A function of integers with at most an i32 for a result, called as it is: `Func.__call__` looks its types up and
    converts by them each time, which takes 30 us. Raises TypeError where it is another, or the arguments are."""

    def __init__(self, store: wasmtime.Store, function: wasmtime.Func) -> None:
        kind = function.type(store)
        self._arity, results = len(kind.params), len(kind.results)
        integers = (wasmtime.ValType.i32(), wasmtime.ValType.i64())
        if any(type_ not in integers for type_ in kind.params) or kind.results not in ([], [integers[0]]):
            raise TypeError("a function of other types")
        self._store, self._function = store, function
        self._slots = max(self._arity, results)
        self._mask = 0xFFFFFFFF if results else 0

    def __call__(self, *arguments: int) -> int:
        if len(arguments) != self._arity:
            raise TypeError(f"{len(arguments)} arguments instead of {self._arity}")
        slots: Any = (ffi.wasmtime_val_raw_t * (self._slots + 1))()  # its own: calls nest
        for slot, argument in zip(slots, arguments, strict=False):
            slot.i64 = argument  # an i32 is its lower half
        with _entering(self._store) as trap:
            context: Any = self._store._context()  # pyright: ignore[reportPrivateUsage]
            function = ctypes.byref(self._function._func)  # pyright: ignore[reportPrivateUsage]
            error = ffi.wasmtime_func_call_unchecked(context, function, slots, self._slots, trap)
            if error:
                raise wasmtime.WasmtimeError._from_ptr(error)  # pyright: ignore[reportPrivateUsage]
        return slots[0].i32 & self._mask


def define(
    linker: wasmtime.Linker,
    module: str,
    name: str,
    kind: wasmtime.FuncType,
    function: Callable[..., int | float | None],
) -> None:
    """Define an import of numbers, with at most one result. `Linker.define_func` does the same by way of objects that
    say the type of each value, which takes three times as long."""
    fields = [str(type_) for type_ in kind.params]  # they are called like the types
    result = str(kind.results[0]) if kind.results else None

    def call(_data: int, _caller: Any, values: Any, _count: int) -> int:
        try:
            value = function(*[getattr(values[place], field) for place, field in enumerate(fields)])
            if result:
                setattr(values[0], result, value or 0)  # 0 is the null reference, too
        except BaseException as error:  # noqa: BLE001 - it passes through the guest, and on to who called that
            return _raised(error)
        return 0

    callback = ffi.wasmtime_func_unchecked_callback_t(call)
    _callbacks.append(callback)
    where, what = module.encode(), name.encode()
    error = ffi.wasmtime_linker_define_func_unchecked(
        linker.ptr(), where, len(where), what, len(what), kind.ptr(), callback, None, _no_finalizer
    )
    if error:
        raise wasmtime.WasmtimeError._from_ptr(error)  # pyright: ignore[reportPrivateUsage]


def memory_address(store: wasmtime.Store, memory: wasmtime.Memory) -> int:
    return ctypes.addressof(memory.data_ptr(store).contents)


def view_of(address: int, size: int) -> memoryview:
    """The `size` bytes at `address` of this process. The caller keeps them mapped for as long as the view lives."""
    return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")
