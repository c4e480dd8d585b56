"""Languages read by tree-sitter's grammars: one walk for all of them, over the kinds of nodes that they call so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from time import process_time
from typing import TYPE_CHECKING

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats.program.thing import (
    DEEPEST,
    Call,
    Class,
    Function,
    Import,
    Thing,
    shortened,
    whole,
)

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Tree

COMMAND = "pip install 'rlm-local[code]'"

GRAMMARS = {
    "c": "tree_sitter_c.language",
    "c++": "tree_sitter_cpp.language",
    "c#": "tree_sitter_c_sharp.language",
    "go": "tree_sitter_go.language",
    "java": "tree_sitter_java.language",
    "javascript": "tree_sitter_javascript.language",
    "rust": "tree_sitter_rust.language",
    "tsx": "tree_sitter_typescript.language_tsx",
    "typescript": "tree_sitter_typescript.language_typescript",
}
"""Where each language's grammar is."""

_FUNCTIONS = frozenset(
    "function_definition function_declaration generator_function_declaration method_definition method_declaration "
    "constructor_declaration destructor_declaration local_function_statement function_item".split()
)
_BOUND = frozenset("variable_declarator assignment_expression pair field_definition public_field_definition".split())
"""What gives its name to a function that has none of its own."""
_UNNAMED = frozenset("arrow_function function_expression generator_function".split())
_CLASSES = {
    "class_declaration": "class", "abstract_class_declaration": "class", "class_specifier": "class",
    "struct_specifier": "struct", "struct_declaration": "struct", "struct_item": "struct", "union_specifier": "union",
    "union_item": "union", "interface_declaration": "interface", "annotation_type_declaration": "interface",
    "enum_specifier": "enum", "enum_declaration": "enum", "enum_item": "enum", "record_declaration": "record",
    "trait_item": "trait", "impl_item": "impl", "type_spec": "type",
}  # fmt: skip
_CALLS = frozenset(
    "call_expression method_invocation invocation_expression object_creation_expression new_expression "
    "macro_invocation".split()
)
_IMPORTS = frozenset(
    "preproc_include using_directive import_spec import_declaration import_statement use_declaration".split()
)
_DECORATORS = frozenset("decorator annotation marker_annotation attribute_list attribute_item".split())
_BASES = frozenset(
    "superclass super_interfaces extends_interfaces base_class_clause base_list class_heritage extends_type_clause "
    "trait_bounds".split()
)
_SEPARATORS = re.compile(r"::|->|[.:]")
_NAME = re.compile(r"[^\W\d][\w$]*\Z|[\w$]+\Z")
_CALLEE = re.compile(r"[\w$]+(?:(?:\.|::|->|\?\.)[\w$~]+)*")
_LONGEST_CALLEE = 120
_MOST_PARTS = 20
_AT_ONCE = 1 << 16
_LEAST_SECONDS = 1.0
_SLOWEST = 500_000
"""Characters a second; code that follows its grammar takes a sixth of that time."""


def things(text: str, language: str) -> Iterator[Thing]:
    """What a file has. Where it does not follow the grammar, what does is found all the same.

    Raises:
        Needs: the grammar is not installed.
        Unreadable: hardly anything follows the grammar: how to go on is sought for too long.
    """
    try:
        grammar = _grammar(language)
    except ImportError as error:
        raise Needs(COMMAND) from error
    yield from _Walk(text, language).things(_wanted(_tree(text, grammar), grammar))


def _tree(text: str, grammar: "Language") -> "Tree":
    from tree_sitter import Parser

    # Offsets are of bytes: with a byte for each character they are places in the text.
    data = re.sub(r"[^\x00-\x7f]", "x", text).encode("ascii")
    latest = process_time() + _LEAST_SECONDS + len(data) / _SLOWEST
    try:
        return Parser(grammar).parse(
            lambda at, _: data[at : at + _AT_ONCE] if at < len(data) else None,
            progress_callback=lambda _, __: process_time() > latest,
        )
    except ValueError as error:
        raise Unreadable("its definitions are not told: hardly anything follows the grammar") from error


def _wanted(tree: "Tree", grammar: "Language") -> "Iterator[Node]":
    """The nodes that tell something, in the order of the text, an outer one before those in it.

    With a cursor: queries, and asking a node for its parent, take time by the depth of each node.
    """
    kinds = (*_FUNCTIONS, *_BOUND, *_CLASSES, *_CALLS, *_IMPORTS, *_DECORATORS)
    known = {number for kind in kinds if (number := grammar.id_for_node_kind(kind, True)) is not None}
    cursor = tree.walk()
    while True:
        node = cursor.node
        if node is not None and node.kind_id in known:
            yield node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


@cache
def _grammar(language: str) -> "Language":
    from tree_sitter import Language

    module, _, function = GRAMMARS[language].rpartition(".")
    pointer: object = getattr(import_module(module), function)()
    return Language(pointer)


@dataclass
class _Open:
    """A definition that the walk is in."""

    node: "Node"
    name: str
    qualified: str
    kind: str
    head: int  # where its name ends: an annotation before is its own
    class_: str = ""
    function: str = ""  # the function that calls in here stand in
    decorators: list[str] = field(default_factory=list[str])


class _Walk:
    def __init__(self, text: str, language: str) -> None:
        self._text = text
        self._language = "typescript" if language == "tsx" else language
        self._open: list[_Open] = []
        self._waiting: list[tuple[int, int, str]] = []  # decorators before what they are of

    def things(self, nodes: "Iterator[Node]") -> Iterator[Thing]:
        for node in nodes:
            yield from self._close(node.start_byte)
            kind = node.type
            if kind in _CALLS:
                yield from self._call(node)
            elif kind in _DECORATORS:
                self._decorate(node)
            elif kind in _IMPORTS:
                yield from self._import(node)
            elif kind in _FUNCTIONS or kind in _BOUND:
                self._begin_function(node)
            else:
                self._begin_class(node)
        yield from self._close(len(self._text) + 1)

    def _close(self, place: int) -> Iterator[Thing]:
        while self._open and self._open[-1].node.end_byte <= place:
            done = self._open.pop()
            yield self._class(done) if done.kind in _CLASSES.values() else self._function(done)

    def _slice(self, node: "Node") -> str:
        return shortened(self._text, node.start_byte, node.end_byte)

    @property
    def _inside(self) -> str | None:
        """The function around."""
        return (self._open[-1].function or None) if self._open else None

    def _decorate(self, node: "Node") -> None:
        top = self._open[-1] if self._open else None
        if top and node.end_byte <= top.head:
            top.decorators.append(self._slice(node))
        else:
            self._waiting.append((node.start_byte, node.end_byte, self._slice(node)))

    def _own_decorators(self, start: int) -> list[str]:
        """Those that end where a definition begins, but for blanks and what is said of who may see it."""
        waiting, self._waiting = self._waiting, []
        kept: list[str] = []
        for _, end, said in reversed(waiting):
            between = self._text[end:start] if start - end < _LONGEST_CALLEE else ";"
            if between.strip() not in ("", "export", "export default"):
                break
            kept.append(said)
            start = waiting[len(waiting) - len(kept)][0]
        return kept[::-1]

    def _begin(self, node: "Node", name: str, kind: str, head: int, class_: str = "") -> None:
        outer = self._open[-1] if self._open else None
        if not name or len(self._open) >= DEEPEST:
            return
        prefix = class_ or (outer.qualified if outer else "")
        qualified = f"{prefix}.{name}" if prefix else name
        is_class = kind in _CLASSES.values()
        own = qualified if not is_class else (outer.function if outer else "")
        if outer and outer.kind in _CLASSES.values():
            class_ = class_ or outer.qualified
        self._open.append(_Open(node, name, qualified, kind, head, class_, own, self._own_decorators(node.start_byte)))

    def _begin_function(self, node: "Node") -> None:
        if node.type in _BOUND:
            value = node.child_by_field_name("value") or node.child_by_field_name("right")
            if value is None or value.type not in _UNNAMED:
                return
            named = next(filter(None, map(node.child_by_field_name, ("name", "left", "key", "property"))), None)
        else:
            named = node.child_by_field_name("name") or _declared(node)
        if named is None:
            return
        *classes, name = _SEPARATORS.split(self._slice(named)) if named.type != "operator_name" else [
            self._slice(named)
        ]  # fmt: skip
        owner = ".".join(part for part in classes if part not in ("this", "exports", "module", "prototype"))
        receiver = node.child_by_field_name("receiver")
        if receiver is not None:
            owner = self._slice(receiver).strip("() ").rpartition(" ")[2].lstrip("*").partition("[")[0]
        inside = bool(self._open) and self._open[-1].kind in _CLASSES.values()
        kind = "method" if owner or inside else "function"
        self._begin(node, name, kind, named.end_byte, owner)

    def _begin_class(self, node: "Node") -> None:
        kind = _CLASSES[node.type]
        named = node.child_by_field_name("type" if kind == "impl" else "name")
        if kind == "type":
            what = node.child_by_field_name("type")
            kind = {"struct_type": "struct", "interface_type": "interface"}.get(what.type if what else "", "")
        if not kind or named is None:
            return
        if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
            return  # the type of something, not its definition
        self._begin(node, self._slice(named), kind, named.end_byte)

    def _function(self, done: _Open) -> Function:
        node = done.node
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        if node.type in _BOUND and value is not None:
            node = value
        given = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        if given is None:
            declarator = _declarator(node)
            given = declarator.child_by_field_name("parameters") if declarator else None
        fields = ("return_type", "result", "returns", "type")
        returned = next(filter(None, map(node.child_by_field_name, fields)), None)
        start, end = done.node.start_byte, done.node.end_byte
        said = self._slice(given) if given else ""
        if said.startswith("("):
            said = said[1:].removesuffix(")")
        said = "" if said == "void" else said
        return Function(
            start=start,
            end=end,
            name=done.name,
            class_=done.class_ or None,
            qualified_name=done.qualified,
            kind=done.kind,
            parameters=said or None,
            parameter_count=_parameters(given) if given and said else 0,
            returns=self._slice(returned).lstrip(":-> ") if returned else None,
            decorators=", ".join(done.decorators) or None,
            docstring=None,
            line=done.node.start_point[0] + 1,
            lines=done.node.end_point[0] - done.node.start_point[0] + 1,
            language=self._language,
            globals_used=None,
            globals_changed=None,
            text=whole(self._text, start, end),
        )

    def _class(self, done: _Open) -> Class:
        node = done.node
        bases = [self._slice(each) for each in node.named_children[:_MOST_PARTS] if each.type in _BASES]
        if done.kind == "impl" and (trait := node.child_by_field_name("trait")):
            bases = [self._slice(trait)]
        start, end = node.start_byte, node.end_byte
        return Class(
            start=start,
            end=end,
            name=done.name,
            qualified_name=done.qualified,
            kind=done.kind,
            bases=", ".join(filter(None, map(_base, bases))) or None,
            decorators=", ".join(done.decorators) or None,
            docstring=None,
            line=node.start_point[0] + 1,
            lines=node.end_point[0] - node.start_point[0] + 1,
            language=self._language,
            text=whole(self._text, start, end),
        )

    def _call(self, node: "Node") -> Iterator[Call]:
        fields = ("function", "name", "constructor", "type", "macro")
        called = next(filter(None, map(node.child_by_field_name, fields)), None)
        if called is None:
            return
        begins = node.start_byte if node.type == "method_invocation" else called.start_byte
        end = called.end_byte
        said = self._text[max(begins, end - _LONGEST_CALLEE) : end]
        name = _NAME.search(said.partition("<")[0].rstrip())
        if name is None:
            return
        whole_ = end - begins <= _LONGEST_CALLEE and _CALLEE.fullmatch(said)
        yield Call(
            start=node.start_byte,
            end=node.end_byte,
            name=name[0],
            callee=said if whole_ else name[0],
            function=self._inside,
            line=node.start_point[0] + 1,
        )

    def _import(self, node: "Node") -> Iterator[Import]:
        if node.type == "import_declaration" and self._language == "go":
            return  # its parts are told
        of = ("source", "path", "argument")
        source = next(filter(None, map(node.child_by_field_name, of)), None)
        said = self._slice(source or node)
        name = None
        if source is None:
            said = re.sub(r"^(?:global |import |using |static |unsafe )+", "", said).rpartition("=")[2].rstrip("; ")
        elif node.type == "import_statement":
            name = shortened(self._text, node.start_byte, source.start_byte)
            name = name.removeprefix("import").removesuffix("from").strip(" {}") or None
        alias = node.child_by_field_name("name")
        yield Import(
            start=node.start_byte,
            end=node.end_byte,
            module=said.strip("\"'<>` "),
            name=name,
            alias=self._slice(alias) if alias else None,
            function=self._inside,
            line=node.start_point[0] + 1,
            language=self._language,
        )


def _declarator(node: "Node") -> "Node | None":
    """The declarator of a function of C or C++: the part with its name and parameters."""
    at = node
    for _ in range(_MOST_PARTS):
        inner = at.child_by_field_name("declarator")
        if inner is None and at.type == "reference_declarator" and at.named_children:
            inner = at.named_children[-1]
        if inner is None:
            return None
        if inner.type == "function_declarator":
            return inner
        at = inner
    return None


def _declared(node: "Node") -> "Node | None":
    declarator = _declarator(node)
    return declarator.child_by_field_name("declarator") if declarator else None


def _parameters(given: "Node") -> int:
    """How many parameters a list of them has; Go writes several names before one type."""
    if given.type == "identifier":
        return 1
    told = [each for each in given.named_children if not each.type.endswith("comment")]
    return sum(max(1, len(each.children_by_field_name("name"))) for each in told)


def _base(said: str) -> str:
    """A base as it is called, without the words before it."""
    said = re.sub(r"\b(?:extends|implements|public|private|protected|virtual)\b", ",", said.lstrip(": "))
    return ", ".join(part for each in said.split(",") if (part := each.strip()))
