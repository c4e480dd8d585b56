"""The documentation names files, tests and commands that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from rlm_local.cli.app import app

ROOT = Path(__file__).parents[1]
DOCS = ("README.md", "ARCHITECTURE.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
FOLDERS = ("rlm_local", "policy", "sandbox", "training", "tests", "benchmarks", "examples", "docs", "deploy")


def files() -> set[str]:
    """The paths of all files that the documentation may name."""
    return {str(path.relative_to(ROOT)) for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()}


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a text, after `rlm-local`."""
    for found in re.finditer(r"rlm-local( [^`\n|#&;]+)", text.replace("\\\n", " ")):
        try:
            yield shlex.split(found[1])
        except ValueError:  # an apostrophe of the prose around it
            yield found[1].split()


def options(command: Any) -> set[str]:
    return {"-h", "--help"}.union(*({*each.opts, *each.secondary_opts} for each in command.params))


@pytest.mark.parametrize("doc", DOCS)
def test_the_python_files_that_it_names_are_there(doc: str) -> None:
    text, known = (ROOT / doc).read_text("utf-8"), files()
    made_up = {"count.py", "loop.py"}  # programs of the reader's own, in examples
    named = set(re.findall(r"[\w./-]+\.py\b", text)) - made_up
    missing = {name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in known)}
    assert not missing


@pytest.mark.parametrize("doc", DOCS)
def test_the_tests_that_it_names_are_there(doc: str) -> None:
    named = set(re.findall(r"\btests/[\w/.]*\w", (ROOT / doc).read_text("utf-8")))
    assert {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("doc", DOCS)
def test_the_options_that_it_names_are_those_of_the_command(doc: str) -> None:
    program: Any = get_command(app)
    for words in commands((ROOT / doc).read_text("utf-8")):
        command, known = program, options(program)
        for word in words:
            inside = getattr(command, "commands", {})
            if (name := word.rstrip(",.:")) in inside:
                command = inside[name]
                known |= options(command)
            elif re.match(r"--?[a-z]", word):
                assert word.split("=")[0].rstrip(",.:)") in known, words
