from typing import Any

import wasmtime

from rlm_sandbox import native, snapshot

_LIVE = """(module
  (import "GOT.func" "f" (global (mut i32)))
  (memory (export "memory") 2 5)
  (data (i32.const 10) "before")
  (global $stack (mut i32) (i32.const -5))
  (global (mut i32) (global.get 0))
  (func (export "step") (result i32)
    (global.set $stack (i32.sub (global.get $stack) (i32.const 1)))
    (i32.store (i32.const 200000) (i32.add (i32.load (i32.const 200000)) (i32.const 3)))
    (drop (memory.grow (i32.const 1)))
    (i32.store8 (i32.const 10) (i32.const 66))
    (i32.add (global.get $stack) (i32.load (i32.const 200000))))
  (func (export "size") (result i32) memory.size))"""


def _instance(module: bytes) -> tuple[wasmtime.Store, native.Exports]:
    engine = native.engine(optimize=False)
    store = wasmtime.Store(engine)
    return store, native.Exports(store, wasmtime.Instance(store, wasmtime.Module(engine, module), []))


def _call(store: wasmtime.Store, exports: native.Exports, name: str) -> Any:
    return exports.function(name)(store)


def test_a_frozen_module_goes_on_where_the_live_one_stood() -> None:
    source = _LIVE.replace("(i32.const 200000)", "(i32.const 130000)").replace("(global (mut i32) (global.get 0))", "")
    prepared = snapshot.prepare(bytes(wasmtime.wat2wasm(source)))
    store, live = _instance(prepared.module)
    assert _call(store, live, "step") == -6 + 3
    memory = live.memory("memory")
    view = native.view_of(native.memory_address(store, memory), memory.data_len(store))
    state = {index: live.value(name) for index, name in prepared.mutable_globals.items()}
    frozen = snapshot.freeze(prepared.module, view, state)
    for _ in range(2):  # each instance starts anew
        store_2, restored = _instance(frozen)
        assert _call(store_2, restored, "size") == 3
        data = restored.memory("memory").read(store_2, 10, 16)
        assert bytes(data) == b"Before"
        assert _call(store_2, restored, "step") == -7 + 6
    assert snapshot.freeze(prepared.module, view, state) == frozen


def test_imported_globals_become_its_own_and_every_mutable_one_is_exported() -> None:
    source = _LIVE.replace("(global (mut i32) (global.get 0))", "")
    prepared = snapshot.prepare(bytes(wasmtime.wat2wasm(source)))
    module = wasmtime.Module(native.engine(optimize=False), prepared.module)
    assert not module.imports
    assert set(prepared.mutable_globals.values()) <= {export.name for export in module.exports}
    assert set(prepared.mutable_globals) == {1}
