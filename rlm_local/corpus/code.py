"""Source code: functions and classes. Python by its own grammar; others by how definitions look."""

import ast
import re
import warnings
from collections.abc import Iterator

from rlm_local.corpus.mutation import mutators
from rlm_local.corpus.table import Raw, Reading, Table

LANGUAGES = {
    "py": "python", "pyi": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "javascript",
    "ts": "typescript", "tsx": "typescript", "java": "java", "kt": "kotlin", "scala": "scala", "go": "go", "rs": "rust",
    "c": "c", "h": "c", "cc": "c++", "cpp": "c++", "cxx": "c++", "hpp": "c++", "cs": "c#", "swift": "swift",
    "php": "php",
    "rb": "ruby", "lua": "lua", "sh": "shell", "bash": "shell", "pl": "perl", "r": "r", "jl": "julia", "dart": "dart",
    "sql": "sql", "css": "css",
}  # fmt: skip
_ENDED = frozenset(("ruby", "lua", "julia"))  # languages whose definitions close with "end"

_DEFINITION = re.compile(
    r"^(?P<indent>[ \t]*)(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override|"
    r"virtual|inline|pub(?:\([a-z]+\))?|unsafe|const|extern|open|sealed|data|local|suspend|constexpr)\s+)*"
    r"(?:(?P<type>class|struct|interface|trait|enum|impl|module|object)\s+(?P<type_name>[A-Za-z_]\w*)"
    r"|(?:function\*?|func|fun|fn|def|sub)\s+(?:\([^)\n]*\)\s*)?(?:self\.)?(?P<name>[A-Za-z_][\w.:]*[?!]?)"
    r"|(?:const|let|var)\s+(?P<bound>[A-Za-z_$][\w$]*)\s*=\s*(?:async\s+)?"
    r"(?:function\b|\([^()\n]*\)\s*(?::[^=\n]+)?=>|[A-Za-z_$][\w$]*\s*=>)"
    r"|(?P<shell>[A-Za-z_][\w-]*)\s*\(\)\s*(?=\{)"
    r"|(?:[A-Za-z_][\w:<>,.*&\[\]? ]*?[\s*&])?(?P<called>~?[A-Za-z_][\w:]*)\s*\([^;{}]*\)\s*"
    r"(?:const|noexcept|override|throws\s[\w., ]+|:\s*[\w<>\[\]| ]+)?\s*(?=\{))",
    re.MULTILINE,
)
_KEYWORDS = frozenset(
    "if for while switch catch return else do foreach match when with using lock synchronized sizeof new".split()
)
_LONGEST = 200_000  # characters that a definition is followed for its closing brace


def read(text: str, name: str, language: str) -> Reading:
    """Functions, methods and classes with their name, type, class and number of lines; one table over all languages.

    Of Python's functions also what their text alone does not show: whether they change global state.
    """
    reading = Reading("code")
    table = Table(name, "functions", "functions")
    if language == "python":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as broken:
            line = broken.lineno or 0 if isinstance(broken, SyntaxError) else 0
            reading.problems.append((line, "not valid Python: definitions are found by indentation"))
            found = _by_indentation(text)
        else:
            found = _python(text, tree)
    else:
        found = _definitions(text, language)
    for start, end, cells in found:
        table.add(start, end, {**cells, "lines": float(text.count("\n", start, end) + 1), "language": language})
    if len(table):
        reading.tables.append(table)
    return reading


Definition = tuple[int, int, dict[str, Raw]]


def _python(text: str, tree: ast.Module) -> Iterator[Definition]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    found: list[Definition] = []
    changing = mutators(tree)
    while waiting:
        node, owner = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                start, end = starts[first - 1], starts[child.end_lineno or child.lineno] - 1
                indent = len(text[start:end]) - len(text[start:end].lstrip(" \t\f"))
                is_class = isinstance(child, ast.ClassDef)
                kind = "class" if is_class else "method" if owner else "function"
                cells: dict[str, Raw] = {"name": child.name, "type": kind, "class": owner or None}
                if not is_class:
                    cells["mutates global state"] = child in changing
                found.append((start + indent, end, cells))
                waiting.append((child, child.name if is_class else ""))
            else:
                waiting.append((child, owner if isinstance(child, ast.If | ast.Try | ast.With) else ""))
    return iter(sorted(found, key=lambda definition: definition[:2]))


_PYTHON = re.compile(r"^(?P<indent>[ \t]*)(?:async\s+)?(?P<type>def|class)\s+(?P<name>[^\W\d]\w*)", re.MULTILINE)


def _by_indentation(text: str) -> Iterator[Definition]:
    for match in _PYTHON.finditer(text):
        start = match.end("indent")
        end = text.find("\n", start) if "\n" in text[start:] else len(text)
        depth = len(match["indent"])
        last = end
        while end < len(text):
            stop = text.find("\n", end + 1)
            stop = len(text) if stop < 0 else stop
            line = text[end + 1 : stop]
            if line.strip():
                if len(line) - len(line.lstrip()) <= depth and line.strip()[0] not in ")]}#":
                    break
                last = stop
            end = stop
        yield (
            start,
            last,
            {"name": match["name"], "type": "class" if match["type"] == "class" else "function", "class": None},
        )


def _definitions(text: str, language: str) -> Iterator[Definition]:
    classes: list[tuple[int, str]] = []
    for match in _DEFINITION.finditer(text):
        name = next(
            match[group]
            for group in ("type_name", "name", "bound", "shell", "called")
            if match[group] or group == "called"
        )
        start = match.end("indent")
        if name in _KEYWORDS or text[start : start + 7] == "return ":
            continue
        end = _closing_end(text, match) if language in _ENDED else _closing_brace(text, match.end())
        if end < 0:
            continue
        while classes and classes[-1][0] <= start:
            classes.pop()
        owner = classes[-1][1] if classes else None
        kind = "class" if match["type"] else "method" if owner else "function"
        yield start, end, {"name": name, "type": kind, "class": owner}
        if match["type"]:
            classes.append((end, name))


_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|[{};]", re.DOTALL)


def _closing_brace(text: str, place: int) -> int:
    """The end of the block that opens next, -1 if a statement ends first or nothing closes it."""
    depth = 0
    for token in _TOKEN.finditer(text, place, min(len(text), place + _LONGEST)):
        mark = token[0]
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth <= 0:
                return token.end() if depth == 0 else -1
        elif mark == ";" and depth == 0:
            return -1
    return -1


def _closing_end(text: str, match: re.Match[str]) -> int:
    closing = re.compile(rf"^{match['indent']}end\b", re.MULTILINE).search(text, match.end())
    return closing.end() if closing else -1
