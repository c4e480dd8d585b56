"""Legacy WebAssembly exceptions rewritten to the standard ones.

Pyodide is built with the legacy instructions (try, catch, catch_all, rethrow, delegate), which Wasmtime refuses. Each
function that holds a `try` is rewritten to `try_table` and `throw_ref`; everything else is copied byte for byte.

    try T               block T                            ; the label that `br` to the try reaches
      BODY                block (params of last clause)
    catch x                 block (params of first clause)
      HANDLER     =>          try_table T (catch x 0) (catch_all 1)
    catch_all                   BODY
      HANDLER                 end
    end                       br to T
                            end
                            HANDLER, br to T, end, HANDLER, end

A clause that is rethrown catches with the exnref and keeps it in a local, one per nesting depth of tries. A `delegate`
must raise as if thrown directly in the body of its target: that body is wrapped in a block which ends in `throw_ref`,
and the delegating try catches everything and branches there.

Source: the exception handling proposal, legacy and final, github.com/WebAssembly/exception-handling.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rlm_sandbox import wasm
from rlm_sandbox.wasm import EXNREF, Id, Kind, Section, read_uint, uint

BLOCK, LOOP, IF, TRY, CATCH, RETHROW, END = 0x02, 0x03, 0x04, 0x06, 0x07, 0x09, 0x0B
BR, BR_IF, BR_TABLE, DELEGATE, CATCH_ALL, BR_ON_NULL, BR_ON_NON_NULL = 0x0C, 0x0D, 0x0E, 0x18, 0x19, 0xD5, 0xD6

_THROW_REF, _RETURN, _LOCAL_GET, _LOCAL_SET, _TRY_TABLE = b"\x0a", b"\x0f", b"\x20", b"\x21", b"\x1f"
_NO_RESULT = 0x40

BlockType = Callable[[tuple[bytes, ...]], bytes]


@dataclass
class _Clause:
    tag: int | None
    rethrown: bool = False


@dataclass
class _Frame:
    """A label of the legacy code, and where its counterpart stands in the new code (as a count of open labels)."""

    is_try: bool = False
    clauses: list[_Clause] = field(default_factory=list[_Clause])
    delegates_to: "_Frame | None" = None
    is_delegate_target: bool = False
    try_depth: int = 0
    in_body: bool = True
    handler: int = -1
    label: int = -1
    rethrow_label: int = -1


def translate(module: bytes) -> bytes:
    """The module with every legacy try rewritten. Raises ValueError where it uses what Pyodide's compiler never emits
    (a try with parameters, opcodes outside `wasm.next_instruction`)."""
    parts = list(wasm.sections(module))
    payload = {part.id: part.payload for part in parts}
    types = wasm.read_vector(payload.get(Id.TYPE, b"\0"), 0, wasm.read_function_type)[0]
    imports = wasm.read_vector(payload.get(Id.IMPORT, b"\0"), 0, wasm.read_import)[0]
    functions = wasm.read_vector(payload.get(Id.FUNCTION, b"\0"), 0, read_uint)[0]
    own_tags = wasm.read_vector(payload.get(Id.TAG, b"\0"), 0, lambda data, at: read_uint(data, at + 1))[0]
    tags = [read_uint(entry.type, 1)[0] for entry in imports if entry.kind == Kind.TAG] + own_tags
    tag_parameters = [types[index].parameters for index in tags]
    added: dict[tuple[bytes, ...], int] = {}

    def block_type(results: tuple[bytes, ...]) -> bytes:
        if not results:
            return bytes([_NO_RESULT])
        if len(results) == 1:
            return results[0]
        return wasm.sint(added.setdefault(results, len(types) + len(added)))

    bodies = wasm.read_vector(payload.get(Id.CODE, b"\0"), 0, wasm.read_body)[0]
    for number, body in enumerate(bodies):
        if TRY in body and _holds_try(body):
            parameters = len(types[functions[number]].parameters)
            bodies[number] = _Function(body, parameters, tag_parameters, block_type).translate()
    code = wasm.vector([uint(len(body)) + body for body in bodies])
    return wasm.assemble(_replaced(parts, code, [b"\x60\0" + wasm.vector(list(results)) for results in added]))


def _replaced(parts: list[Section], code: bytes, new_types: list[bytes]) -> Iterator[Section]:
    for part in parts:
        if part.id == Id.CODE:
            yield Section(Id.CODE, code)
        elif part.id == Id.TYPE:
            count, at = read_uint(part.payload, 0)
            yield Section(Id.TYPE, uint(count + len(new_types)) + part.payload[at:] + b"".join(new_types))
        else:
            yield part


def _holds_try(body: bytes) -> bool:
    at = wasm.read_locals(body)[1]
    while at < len(body):
        if body[at] == TRY:
            return True
        at = wasm.next_instruction(body, at)
    return False


class _Function:
    """The rewriting of one function body: a pass that learns what each try needs, then a pass that writes."""

    def __init__(
        self, body: bytes, parameters: int, tag_parameters: list[tuple[bytes, ...]], block_type: BlockType
    ) -> None:
        self.body, self.tag_parameters, self.block_type = body, tag_parameters, block_type
        declared, self.start = wasm.read_locals(body)
        self.first_new_local = parameters + declared
        self.outermost = _Frame()
        self.tries: dict[int, _Frame] = {}
        self.frames: list[_Frame] = []
        self.out = bytearray()
        self.open = 0

    def translate(self) -> bytes:
        self._analyse()
        kept = [frame.try_depth for frame in self.tries.values() if any(clause.rethrown for clause in frame.clauses)]
        groups, at = read_uint(self.body, 0)
        declarations = self.body[at : self.start]
        if kept:
            groups, declarations = groups + 1, declarations + uint(max(kept) + 1) + EXNREF
        self.out += uint(groups) + declarations
        if self.outermost.is_delegate_target:
            self._open_rethrow_block(self.outermost)
        at = self.start
        while at < len(self.body):
            end = wasm.next_instruction(self.body, at)
            self._write(at, end)
            at = end
        return bytes(self.out)

    def _operand(self, at: int) -> int:
        return read_uint(self.body, at + 1)[0]

    def _analyse(self) -> None:
        """Find each try's clauses, whether they are rethrown, and where each delegate leads."""
        stack: list[_Frame] = []
        at = self.start
        while at < len(self.body):
            opcode = self.body[at]
            if opcode in (BLOCK, LOOP, IF):
                stack.append(_Frame())
            elif opcode == TRY:
                frame = self.tries[at] = _Frame(is_try=True, try_depth=sum(frame.is_try for frame in stack))
                stack.append(frame)
            elif opcode in (CATCH, CATCH_ALL):
                stack[-1].in_body = False
                stack[-1].clauses.append(_Clause(self._operand(at) if opcode == CATCH else None))
            elif opcode == RETHROW:
                stack[-1 - self._operand(at)].clauses[-1].rethrown = True
            elif opcode == DELEGATE:
                frame = stack.pop()
                outer = stack[: len(stack) - self._operand(at)]
                inside = [candidate for candidate in outer if candidate.is_try and candidate.in_body]
                frame.delegates_to = inside[-1] if inside else self.outermost
                frame.delegates_to.is_delegate_target = True
            elif opcode == END and stack:
                stack.pop()
            at = wasm.next_instruction(self.body, at)

    def _write(self, at: int, end: int) -> None:
        opcode = self.body[at]
        if opcode in (BLOCK, LOOP, IF):
            self.frames.append(_Frame(label=self._enter(self.body[at:end])))
        elif opcode == TRY:
            self._write_try(self.tries[at], self.body[at + 1 : end])
        elif opcode in (CATCH, CATCH_ALL):
            self._write_handler(self.frames[-1])
        elif opcode == RETHROW:
            frame = self.frames[-1 - self._operand(at)]
            self.out += _LOCAL_GET + uint(self.first_new_local + frame.try_depth) + _THROW_REF
        elif opcode == DELEGATE:
            self._close_body(self.frames.pop())
        elif opcode == END:
            self._write_end()
        elif opcode in (BR, BR_IF, BR_ON_NULL, BR_ON_NON_NULL):
            self.out += bytes([opcode]) + self._branch(self._operand(at))
        elif opcode == BR_TABLE:
            count, position = read_uint(self.body, at + 1)
            self.out += bytes([opcode]) + uint(count)
            for _ in range(count + 1):
                label, position = read_uint(self.body, position)
                self.out += self._branch(label)
        else:
            self.out += self.body[at:end]

    def _enter(self, instruction: bytes) -> int:
        """Open a label; the count of labels open before it is its position."""
        self.out += instruction
        self.open += 1
        return self.open - 1

    def _leave(self) -> None:
        self.out.append(END)
        self.open -= 1

    def _branch(self, depth: int) -> bytes:
        """The new depth of what was the legacy label `depth`."""
        label = self.frames[-1 - depth].label if depth < len(self.frames) else -1
        return uint(self.open - 1 - label)

    def _clause_results(self, clause: _Clause) -> tuple[bytes, ...]:
        parameters = () if clause.tag is None else self.tag_parameters[clause.tag]
        return (*parameters, EXNREF) if clause.rethrown else parameters

    def _write_try(self, frame: _Frame, type_: bytes) -> None:
        if len(type_) != 1 or type_[0] < _NO_RESULT:
            raise ValueError("a try block with parameters")
        if frame.clauses:
            frame.label = self._enter(bytes([BLOCK]) + type_)
            for clause in reversed(frame.clauses):
                self._enter(bytes([BLOCK]) + self.block_type(self._clause_results(clause)))
            catches = [self._catch(clause, depth) for depth, clause in enumerate(frame.clauses)]
            self._enter(_TRY_TABLE + type_ + wasm.vector(catches))
        elif frame.delegates_to:
            # the labels of a try_table's clauses are counted outside it
            catch_all_ref = b"\x03" + uint(self.open - 1 - frame.delegates_to.rethrow_label)
            frame.label = self._enter(_TRY_TABLE + type_ + wasm.vector([catch_all_ref]))
        else:
            frame.label = self._enter(_TRY_TABLE + type_ + wasm.vector([]))
        self.frames.append(frame)
        if frame.is_delegate_target:
            self._open_rethrow_block(frame)

    def _catch(self, clause: _Clause, depth: int) -> bytes:
        if clause.tag is None:
            return bytes([2 + clause.rethrown]) + uint(depth)
        return bytes([clause.rethrown]) + uint(clause.tag) + uint(depth)

    def _open_rethrow_block(self, frame: _Frame) -> None:
        frame.rethrow_label = self._enter(bytes([BLOCK]) + EXNREF)

    def _close_body(self, frame: _Frame) -> None:
        if frame.is_delegate_target:
            self.out += bytes([BR]) + uint(1)
            self._leave()
            self.out += _THROW_REF
        self._leave()

    def _write_handler(self, frame: _Frame) -> None:
        frame.handler += 1
        if frame.handler == 0:
            self._close_body(frame)
        self.out += bytes([BR]) + uint(self.open - 1 - frame.label)
        self._leave()
        if frame.clauses[frame.handler].rethrown:
            self.out += _LOCAL_SET + uint(self.first_new_local + frame.try_depth)

    def _write_end(self) -> None:
        if not self.frames:
            if self.outermost.is_delegate_target:
                self.out += _RETURN
                self._leave()
                self.out += _THROW_REF
            self.out.append(END)
            return
        frame = self.frames.pop()
        if frame.is_try and not frame.clauses:
            self._close_body(frame)
        else:
            self._leave()
