import pytest
import wasmtime

from rlm_sandbox import native

_MODULE = """(module
  (import "host" "raise" (func $raise))
  (func (export "add") (param i32 i64) (result i32) (i32.add (local.get 0) (i32.wrap_i64 (local.get 1))))
  (func (export "nothing") (param i32))
  (func (export "trap") unreachable)
  (func (export "real") (param f64))
  (func (export "long") (result i64) (i64.const 1))
  (func (export "raise") call $raise))"""


@pytest.fixture
def exports() -> native.Exports:
    engine = native.engine(optimize=False)
    linker, store = wasmtime.Linker(engine), wasmtime.Store(engine)
    linker.define_func("host", "raise", wasmtime.FuncType([], []), _fail)
    module = wasmtime.Module(engine, _MODULE)
    return native.Exports(store, linker.instantiate(store, module))


def _fail() -> None:
    raise LookupError("the host's own")


@pytest.mark.parametrize(
    ("arguments", "result"), [((1, 2), 3), ((-1, 0), 0xFFFFFFFF), ((0xFFFFFFFF, 1), 0), ((0, 1 << 40 | 7), 7)]
)
def test_integers_are_passed_by_their_lower_bits(
    exports: native.Exports, arguments: tuple[int, int], result: int
) -> None:
    assert exports.call("add", *arguments) == result
    assert exports.call("nothing", 5) == 0


def test_what_ends_a_call_is_raised(exports: native.Exports) -> None:
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        exports.call("trap")
    with pytest.raises(LookupError, match="the host's own"):
        exports.call("raise")


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [("add", (1,), TypeError), ("real", (1,), TypeError), ("long", (), TypeError), ("none", (), KeyError)],
)
def test_what_is_no_such_function_is_not_called(
    exports: native.Exports, name: str, arguments: tuple[int, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        exports.call(name, *arguments)
