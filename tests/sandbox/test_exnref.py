"""The translation against a reference: random programs of tries, run in Wasmtime after translation and in Python."""

import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_sandbox import exnref, native

TAGS = ("t", "u")
_HEADER = """(module (tag $t (param i32)) (tag $u (param i32 i32)) (global $trace (mut i32) (i32.const 7))
 (func $mark (param i32)
   (global.set $trace (i32.add (i32.mul (global.get $trace) (i32.const 31)) (local.get 0))))
 (func $throw_t (param i32) (throw $t (local.get 0)))
 (func $throw_u (param i32) (throw $u (local.get 0) (local.get 0)))
 (func $body (param i32)
"""
_FOOTER = """)
 (func (export "run") (param i32) (result i32)
   try (call $body (local.get 0))
   catch $t (call $mark)
   catch $u (i32.add) (call $mark)
   catch_all (call $mark (i32.const 99)) end
   (global.get $trace)))
"""


# The programs: each node writes itself as text, and runs itself on a Machine.


class Thrown(Exception):  # noqa: N818
    def __init__(self, tag: str, value: int) -> None:
        self.tag, self.value = tag, value


class Delegated(Exception):  # noqa: N818
    def __init__(self, thrown: Thrown, target: "Label") -> None:
        self.thrown, self.target = thrown, target


class Branched(Exception):  # noqa: N818
    def __init__(self, target: "Label") -> None:
        self.target = target


class Label:
    def __init__(self, caught: Thrown | None = None) -> None:
        self.caught, self.in_body = caught, True


class Machine:
    def __init__(self, bits: int) -> None:
        self.bits, self.trace = bits, 7

    def mark(self, number: int) -> None:
        self.trace = (self.trace * 31 + number) % 2**32

    def bit(self, index: int) -> bool:
        return bool(self.bits >> index & 1)


@dataclass(frozen=True)
class Mark:
    number: int

    def text(self) -> str:
        return f"(call $mark (i32.const {self.number}))"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        machine.mark(self.number)


@dataclass(frozen=True)
class Throw:
    bit: int
    tag: str
    value: int

    def text(self) -> str:
        return f"(if {_bit(self.bit)} (then (call $throw_{self.tag} (i32.const {self.value}))))"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        if machine.bit(self.bit):
            raise Thrown(self.tag, self.value)


@dataclass(frozen=True)
class Branch:
    bit: int
    depth: int

    def text(self) -> str:
        return f"(br_if {self.depth} {_bit(self.bit)})"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        if machine.bit(self.bit):
            raise Branched(labels[-1 - self.depth])


@dataclass(frozen=True)
class BranchTable:
    depths: tuple[int, ...]

    def text(self) -> str:
        labels = " ".join(map(str, self.depths))
        return f"(br_table {labels} (i32.and (local.get 0) (i32.const 3)))"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        chosen = self.depths[min(machine.bits & 3, len(self.depths) - 1)]
        raise Branched(labels[-1 - chosen])


@dataclass(frozen=True)
class Rethrow:
    bit: int
    depth: int

    def text(self) -> str:
        # the `if` is a label of its own
        return f"{_bit(self.bit)} if rethrow {self.depth + 1} end"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        if machine.bit(self.bit):
            caught = labels[-1 - self.depth].caught
            assert caught
            raise caught


@dataclass(frozen=True)
class Block:
    body: tuple[Any, ...]

    def text(self) -> str:
        return f"block {_all(self.body)} end"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        label = Label()
        try:
            _run(self.body, machine, [*labels, label])
        except Branched as branch:
            if branch.target is not label:
                raise
        except Delegated as delegated:
            if delegated.target is label:
                raise delegated.thrown from None
            raise


@dataclass(frozen=True)
class Try:
    body: tuple[Any, ...]
    clauses: tuple[tuple[str | None, tuple[Any, ...]], ...]

    def text(self) -> str:
        parts = ["try", _all(self.body)]
        for tag, handler in self.clauses:
            drops = {"t": "drop", "u": "drop drop", None: ""}[tag]
            parts += [f"catch ${tag}" if tag else "catch_all", drops, _all(handler)]
        return " ".join([*parts, "end"])

    def run(self, machine: Machine, labels: list[Label]) -> None:
        label = Label()
        try:
            try:
                _run(self.body, machine, [*labels, label])
            except Delegated as delegated:
                if delegated.target is not label:
                    raise
                raise delegated.thrown from None
        except Branched as branch:
            if branch.target is not label:
                raise
        except Thrown as thrown:
            self._handle(thrown, machine, labels)

    def _handle(self, thrown: Thrown, machine: Machine, labels: list[Label]) -> None:
        for tag, handler in self.clauses:
            if tag in (None, thrown.tag):
                label = Label(thrown)
                label.in_body = False
                try:
                    _run(handler, machine, [*labels, label])
                except Branched as branch:
                    if branch.target is not label:
                        raise
                except Delegated as delegated:
                    if delegated.target is label:  # raised in a handler: the try itself no longer catches
                        raise delegated.thrown from None
                    raise
                return
        raise thrown


@dataclass(frozen=True)
class Delegate:
    body: tuple[Any, ...]
    depth: int

    def text(self) -> str:
        return f"try {_all(self.body)} delegate {self.depth}"

    def run(self, machine: Machine, labels: list[Label]) -> None:
        label = Label()
        try:
            _run(self.body, machine, [*labels, label])
        except Branched as branch:
            if branch.target is not label:
                raise
        except Thrown as thrown:
            raise Delegated(thrown, labels[-1 - self.depth]) from None
        except Delegated as delegated:
            if delegated.target is label:
                raise Delegated(delegated.thrown, labels[-1 - self.depth]) from None
            raise


def _bit(index: int) -> str:
    return f"(i32.and (i32.shr_u (local.get 0) (i32.const {index})) (i32.const 1))"


def _all(body: tuple[Any, ...]) -> str:
    return " ".join(node.text() for node in body)


def _run(body: tuple[Any, ...], machine: Machine, labels: list[Label]) -> None:
    for node in body:
        node.run(machine, labels)


def expected(body: tuple[Any, ...], bits: int) -> int:
    machine, outermost = Machine(bits), Label()
    try:
        _run(body, machine, [outermost])
    except Branched:
        pass
    except Delegated as delegated:
        machine.mark(delegated.thrown.value * (2 if delegated.thrown.tag == "u" else 1))
    except Thrown as thrown:
        machine.mark(thrown.value * (2 if thrown.tag == "u" else 1))
    return (machine.trace + 2**31) % 2**32 - 2**31


@st.composite
def programs(draw: st.DrawFn, kinds: tuple[bool, ...] = (False,), size: int = 3) -> tuple[Any, ...]:
    """Bodies under the labels `kinds`, outermost first; a label is true where it is a handler that may be rethrown."""
    depth = len(kinds)
    body: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["mark", "throw", "throw", "try", "try", "delegate", "block", "branch", "rethrow"]))
        bit = draw(st.integers(0, 3))
        anywhere = st.integers(0, depth - 1)
        handlers = [index for index, handler in enumerate(reversed(kinds)) if handler]
        if kind == "throw":
            body.append(Throw(bit, draw(st.sampled_from(TAGS)), draw(st.integers(1, 9))))
        elif kind == "branch":
            body.append(Branch(bit, draw(anywhere)))
        elif kind == "rethrow" and handlers:
            body.append(Rethrow(bit, draw(st.sampled_from(handlers))))
        elif kind in ("try", "delegate", "block") and size:
            inner = draw(programs((*kinds, False), size - 1))
            if kind == "block":
                body.append(Block(inner))
            elif kind == "delegate":
                body.append(Delegate(inner, draw(anywhere)))
            else:
                tags = draw(st.lists(st.sampled_from([*TAGS]), unique=True, max_size=2))
                handled = [*tags, *([None] if draw(st.booleans()) else [])]
                body.append(Try(inner, tuple((tag, draw(programs((*kinds, True), size - 1))) for tag in handled)))
        else:
            body.append(Mark(draw(st.integers(1, 30))))
    if size == 3 and draw(st.booleans()):
        body.append(BranchTable(tuple(draw(st.lists(st.integers(0, depth - 1), min_size=1, max_size=4)))))
    return tuple(body)


_ENGINE = native.engine(optimize=False)


def _translated(body: tuple[Any, ...]) -> tuple[wasmtime.Store, Any]:
    legacy = bytes(wasmtime.wat2wasm(_HEADER + _all(body) + _FOOTER))
    store = wasmtime.Store(_ENGINE)
    module = wasmtime.Module(_ENGINE, exnref.translate(legacy))
    return store, lambda bits: wasmtime.Instance(store, module, []).exports(store)["run"](store, bits)


@settings(max_examples=150, deadline=None)
@given(programs())
def test_translated_programs_do_what_legacy_exceptions_mean(body: tuple[Any, ...]) -> None:
    _, run = _translated(body)
    for bits in range(16):
        assert run(bits) == expected(body, bits)


_DELEGATES = (
    Try(
        (
            Try((Delegate((Throw(0, "t", 3), Throw(1, "u", 4)), 1), Mark(5)), (("t", (Mark(6),)), (None, (Mark(7),)))),
            Try((Throw(2, "t", 2),), (("t", (Delegate((Throw(3, "u", 1),), 0), Mark(9))), (None, (Rethrow(0, 0),)))),
        ),
        (("u", (Mark(11),)), (None, (Mark(12), Rethrow(1, 0)))),
    ),
)


def test_delegates_to_an_outer_try_and_out_of_a_handler() -> None:
    _, run = _translated(_DELEGATES)
    assert [run(bits) for bits in range(16)] == [expected(_DELEGATES, bits) for bits in range(16)]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node runs the legacy instructions themselves; it is not here")
def test_the_reference_agrees_with_node(tmp_path: Any) -> None:
    (tmp_path / "legacy.wasm").write_bytes(bytes(wasmtime.wat2wasm(_HEADER + _all(_DELEGATES) + _FOOTER)))
    script = """const m = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
    console.log([...Array(16).keys()].map(b => new WebAssembly.Instance(m).exports.run(b)).join(" "))"""
    command = ["node", "-e", script, str(tmp_path / "legacy.wasm")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [int(word) for word in done.stdout.split()] == [expected(_DELEGATES, bits) for bits in range(16)]


def test_values_of_exceptions_and_results_of_tries_survive() -> None:
    legacy = bytes(
        wasmtime.wat2wasm("""(module (tag $t (param i32 i64))
          (func $inner (param i32) (result i64) (local i64)
            try (result i64)
              (if (local.get 0) (then (throw $t (local.get 0) (i64.const 40))))
              (i64.const 1)
            catch $t  local.set 1  drop  (local.set 1 (i64.add (local.get 1) (i64.const 1)))  rethrow 0 end)
          (func (export "run") (param i32) (result i64) (local i64)
            try (result i64) (call $inner (local.get 0))
            catch $t local.set 1 i64.extend_i32_u (local.get 1) i64.add end))""")
    )
    store = wasmtime.Store(_ENGINE)
    run: Any = wasmtime.Instance(store, wasmtime.Module(_ENGINE, exnref.translate(legacy)), []).exports(store)["run"]
    assert [run(store, argument) for argument in (0, 1, 2)] == [1, 41, 42]


def test_a_module_without_tries_is_left_as_it_is() -> None:
    module = bytes(wasmtime.wat2wasm('(module (func (export "f") (param i32) (result i32) (local.get 0)))'))
    assert exnref.translate(module) == module


def test_a_try_with_parameters_is_refused() -> None:
    module = bytes(wasmtime.wat2wasm("(module (func (i32.const 1) try (param i32) drop catch_all end))"))
    with pytest.raises(ValueError, match="parameters"):
        exnref.translate(module)
