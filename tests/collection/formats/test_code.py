"""Source code: definitions, imports, calls, and what functions do with their module's variables."""

import ast
import textwrap
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import code, format_of
from rlm_local.collection.formats.part import Cell, Document, Note, Part, Rows, Text
from rlm_local.collection.formats.source import Source


def parts(text: str, name: str = "module.py") -> list[Part]:
    return list(code.read(Source(name, text.encode())))


def table(text: str, kind: str, name: str = "module.py") -> list[Mapping[str, Cell]]:
    """The rows of a table; each is checked to stand where it says."""
    found: list[Mapping[str, Cell]] = []
    read = parts(text, name)
    whole = "".join(part.text for part in read if isinstance(part, Text))
    assert whole == text
    for part in read:
        if isinstance(part, Rows) and part.kind == kind:
            assert part.spans is not None
            for row, (start, end) in zip(part.rows, part.spans, strict=True):
                found.append(dict(zip(part.columns, row, strict=True)))
                assert 0 <= start < end <= len(text)
    return found


def changed(text: str) -> dict[Cell, Cell]:
    return {row["qualified_name"]: row["globals_changed"] for row in table(text, "functions")}


def test_python_has_functions_and_methods() -> None:
    text = textwrap.dedent('''
        class Stack(Base, Sized):
            """Ünfold it."""

            @property
            def depth(self, among: int = 1, *rest: str, **more) -> dict[str, int]:
                """How deep it is."""
                return {"é": among}

        async def fetch(): ...
    ''')
    depth, fetch = table(text, "functions")
    assert depth["text"] == text[text.index("@property") : text.index("async")].rstrip()
    del depth["text"], fetch["text"]
    assert depth == {
        "name": "depth", "class": "Stack", "qualified_name": "Stack.depth", "kind": "method",
        "parameters": "self, among, rest, more", "parameter_count": 4, "returns": "dict[str, int]",
        "decorators": "property", "docstring": "How deep it is.", "line": 6, "lines": 3, "language": "python",
        "globals_used": None, "globals_changed": None,
    }  # fmt: skip
    assert (fetch["name"], fetch["kind"], fetch["class"]) == ("fetch", "async function", None)
    (stack,) = table(text, "classes")
    assert (stack["name"], stack["bases"], stack["docstring"]) == ("Stack", "Base, Sized", "Ünfold it.")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("global N; N = 1", "N"),
        ("global N; N += 1", "N"),
        ("global N; del N", "N"),
        ("global N\n    for N in range(3): pass", "N"),
        ("CACHE['a'] = 1", "CACHE"),
        ("CACHE['a']['b'] += 1", "CACHE"),
        ("del CACHE['a']", "CACHE"),
        ("CACHE.limit = 1", "CACHE"),
        ("SEEN.append(1)", "SEEN"),
        ("CACHE['a'].rows.update(b=1)", "CACHE"),
        ("f = lambda: SEEN.append(1)", "SEEN"),
        ("[SEEN.append(x) for x in y]", "SEEN"),
        ("Kept.total = 2", "Kept"),
        ("global NEW; NEW = 1", "NEW"),
        ("SEEN.append(CACHE.pop())", "CACHE, SEEN"),
        ("N = 1; SEEN.index(N); return CACHE['a'].b", None),
        ("SEEN = []; SEEN.append(1)", None),
        ("for SEEN in []: SEEN.append(1)", None),
        ("with a as SEEN: SEEN.append(1)", None),
        ("import SEEN; SEEN.append(1)", None),
        ("(lambda SEEN: SEEN.append(1))([])", None),
        ("[SEEN.append(1) for SEEN in y]", None),
        ("os.environ['a'] = '1'", None),
        ("try: pass\n    except E as SEEN: SEEN.append(1)", None),
    ],
)
def test_what_a_function_changes_of_its_module_is_told(body: str, expected: str | None) -> None:
    head = "import os\nN = 0\nCACHE: dict = {}\nSEEN = []\nclass Kept: total = 1\n"
    assert changed(f"{head}def f(x):\n    {body}\n")["f"] == expected


def test_what_is_bound_by_a_parameter_or_a_function_around_is_not_the_modules() -> None:
    text = "SEEN = []\ndef f(SEEN): SEEN.append(1)\ndef g():\n SEEN = 1\n def h(): SEEN.append(1)\n"
    assert changed(text) == {"f": None, "g": None, "g.h": None}
    text = "SEEN = []\nclass A:\n SEEN = 1\n def f(self): SEEN.append(1)\n"
    assert changed(text) == {"A.f": "SEEN"}


def test_uses_of_globals_are_told_one_by_one() -> None:
    text = "SEEN = [1]\ndef f():\n    SEEN.append(2); SEEN.append(3)\n    return SEEN.index(1), SEEN\n"
    rows = table(text, "global_uses")
    assert [(row["use"], row["method"], row["changes"], row["times"]) for row in rows] == [
        ("method called", "append", True, 2),
        ("method called", "index", False, 1),
        ("read", None, False, 1),
    ]
    assert table(text, "globals") == [{"name": "SEEN", "value": "[1]", "line": 1}]


def test_imports_and_calls_know_the_function_they_stand_in() -> None:
    text = "import os.path as p\nfrom ..a import b as c\ndef f():\n    import sys\n    os.path.join(g().h(1))\n"
    assert [(row["module"], row["name"], row["alias"], row["function"]) for row in table(text, "imports")] == [
        ("os.path", None, "p", None),
        ("..a", "b", "c", None),
        ("sys", None, None, "f"),
    ]
    assert [(row["name"], row["callee"], row["function"]) for row in table(text, "calls")] == [
        ("join", "os.path.join", "f"),
        ("h", "h", "f"),
        ("g", "g", "f"),
    ]


def test_passages_know_the_definition_they_stand_in() -> None:
    text = "import os\nclass A:\n    x = 1\n    def f(self):\n        return 1\n    y = 2\n"
    read = [(part.heading, part.text) for part in parts(text) if isinstance(part, Text)]
    assert read == [
        ("", "import os\n"),
        ("A", "class A:\n    x = 1\n    "),
        ("A.f", "def f(self):\n        return 1"),
        ("A", "\n    y = 2"),
        ("", "\n"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "functions", "classes", "imports", "calls"),
    [
        ("a.c", "#include <a.h>\nint *f(int a, char *b) { g(a); return s->h(1); }\nstruct S { int a; };\nstruct S *k;",
         [("f", None, 2)], [("S", "struct", None)], ["a.h"], ["g", "s->h"]),
        ("a.cpp", ('#include "a.h"\nnamespace n { class A : public B, C<T> { int f() { return g(); } }; }'
         "\nint A::h(int b) { }"),
         [("f", "A", 0), ("h", "A", 1)], [("A", "class", "B, C<T>")], ["a.h"], ["g"]),
        ("a.cs", ("using System;\nnamespace N { [Attr] class A<T> : B, IC {"
         " [Foo] int F(int a) { this.G(a); new H(); } } }"),
         [("F", "A", 1)], [("A", "class", "B, IC")], ["System"], ["this.G", "H"]),
        ("a.go", 'package m\nimport f "os"\ntype T struct { a int }\nfunc (t *T) F(a, b int) int { return f.G(a) }',
         [("F", "T", 2)], [("T", "struct", None)], ["os"], ["f.G"]),
        ("a.java", ("import java.util.List;\nclass A extends B implements C, D {"
         " @Override int f(int x) { g(x); } A() {} }"),
         [("f", "A", 1), ("A", "A", 0)], [("A", "class", "B, C, D")], ["java.util.List"], ["g"]),
        ("a.js", 'import a from "x";\nclass A extends B { m(x) { this.n(x); } }\nconst k = (x, y) => new H(x);',
         [("m", "A", 1), ("k", None, 2)], [("A", "class", "B")], ["x"], ["this.n", "H"]),
        ("a.ts", ('import { b } from "x";\nabstract class A<T> extends B<T> implements C {'
         " m(x: number): string { return f(x); } }"),
         [("m", "A", 1)], [("A", "class", "B<T>, C")], ["x"], ["f"]),
        ("a.tsx", "function f(a: string) { return <p>{g(a)}</p>; }", [("f", None, 1)], [], [], ["g"]),
        ("a.rs", "use a::b;\n#[derive(X)]\nstruct S { a: i32 }\nimpl T for S { fn m(&self) { a::g(1); self.h(); } }",
         [("m", "S", 1)], [("S", "struct", None), ("S", "impl", "T")], ["a::b"], ["a::g", "self.h"]),
    ],
)  # fmt: skip
def test_other_languages_have_the_same_tables(
    name: str,
    text: str,
    functions: list[tuple[str, str | None, int]],
    classes: list[tuple[str, str, str | None]],
    imports: list[str],
    calls: list[str],
) -> None:
    told = table(text, "functions", name)
    assert [(row["name"], row["class"], row["parameter_count"]) for row in told] == functions
    assert [(row["name"], row["kind"], row["bases"]) for row in table(text, "classes", name)] == classes
    assert [row["module"] for row in table(text, "imports", name)] == imports
    assert [row["callee"] for row in table(text, "calls", name)] == calls


def test_annotations_are_decorators() -> None:
    assert table("#[derive(X)]\n#[y]\nstruct S {}", "classes", "a.rs")[0]["decorators"] == "#[derive(X)], #[y]"
    assert table("@A(1) class B { @C int f() {} }", "classes", "a.java")[0]["decorators"] == "@A(1)"
    assert table("class Q { @In() m() {} }", "functions", "a.ts")[0]["decorators"] == "@In()"


def test_characters_of_several_bytes_move_no_place() -> None:
    text = 's = "éü漢"; int_ = 1\nx = f("é😀"); y = g("ü")\n'
    (rows,) = [part for part in parts(text) if isinstance(part, Rows) and part.kind == "calls"]
    assert rows.spans is not None
    assert [text[start:end] for start, end in rows.spans] == ['f("é😀")', 'g("ü")']
    text = 'const s = "é😀"; f("ü");\n'
    (rows,) = [part for part in parts(text, "a.js") if isinstance(part, Rows) and part.kind == "calls"]
    assert rows.spans is not None
    assert [text[start:end] for start, end in rows.spans] == ['f("ü")']


def test_a_script_is_known_by_its_first_line() -> None:
    head = b"#!/usr/bin/env python3\ndef f(): pass\n"
    form = format_of("run", head)
    assert form is code.FORMAT
    assert [part.kind for part in form.read(Source("run", head)) if isinstance(part, Rows)] == ["functions"]


@pytest.mark.parametrize(
    "text",
    ["def f(:\n", "(" * 10_000, "-" * 10_000 + "1", "f(" * 5_000, "x = " + "1+" * 20_000 + "1", "print 'two'\n"],
)
def test_what_is_no_python_is_text_with_a_note(text: str) -> None:
    read = parts(text)
    assert "".join(part.text for part in read if isinstance(part, Text)) == text
    assert [type(part) for part in read if not isinstance(part, Text)] == [Document, Note]


def test_definitions_in_definitions_cost_their_depth_at_most() -> None:
    text = "".join(f"{' ' * depth}def f{depth}():\n" for depth in range(60)) + " " * 60 + "pass\n"
    rows = table(text, "functions")
    assert [row["name"] for row in rows] == [f"f{depth}" for depth in range(8)]
    rows = table("class A { f() {" * 500 + "g();" + "} }" * 500, "functions", "a.js")
    assert sum(len(str(row["text"])) for row in rows) <= 8 * 500 * len("class A { f() {} }")


def test_a_language_without_a_grammar_is_text_called_code() -> None:
    read = parts("puts 1\n", "a.rb")
    assert read == [Document(kind="code", fields={"language": "ruby"}), Text("puts 1\n")]


_WORDS = st.sampled_from(
    "def class f A ( ) : \n { } ; , = é @ global x [ ] . + 'a' # return for in lambda \t".split(" ")
)


@given(st.lists(_WORDS, max_size=60), st.sampled_from(["a.py", "a.c", "a.cs", "a.ts", "a.rs", "a.java", "a.go"]))
def test_any_text_is_given_back_whole(words: list[str], name: str) -> None:
    text = " ".join(words)
    read = parts(text, name)
    assert "".join(part.text for part in read if isinstance(part, Text)) == text
    for part in read:
        if isinstance(part, Rows):
            assert all(0 <= start <= end <= len(text) for start, end in part.spans or ())


def test_every_definition_of_a_real_module_is_found() -> None:
    with open(ast.__file__, encoding="utf-8") as file:  # noqa: PTH123
        text = file.read()
    expected = [
        node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert sorted(str(row["name"]) for row in table(text, "functions")) == sorted(expected)


def test_code_that_is_all_signs_is_text_with_a_note() -> None:
    text = "a: b\n" * 60_000
    read = parts(text)
    assert "".join(part.text for part in read if isinstance(part, Text)) == text
    assert not any(isinstance(part, Rows) for part in read)
    assert any("too large for its definitions" in part.problem for part in read if isinstance(part, Note))
