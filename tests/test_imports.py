"""Imports point one way: rlm_training -> rlm_local -> rlm_policy, rlm_sandbox; and inside rlm_local likewise."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "rlm_local": ROOT / "rlm_local",
    "rlm_policy": ROOT / "policy/rlm_policy",
    "rlm_sandbox": ROOT / "sandbox/rlm_sandbox",
    "rlm_training": ROOT / "training/rlm_training",
}
BELOW = {
    "rlm_policy": set[str](),
    "rlm_sandbox": set[str](),
    "rlm_local": {"rlm_policy", "rlm_sandbox"},
    "rlm_training": {"rlm_local", "rlm_policy", "rlm_sandbox"},
}
"""What each package may import besides itself."""

BASE = {"errors", "home", "sqlite", "vault"}
INSIDE = {
    "models": BASE,
    "collection": BASE,
    "log": {*BASE, "engine"},  # the shape of an answer, see below
    "toolbox": set[str](),
    "engine": {*BASE, "models", "collection", "log", "toolbox"},
    "bench": {*BASE, "models", "engine", "toolbox"},
    "serve": {*BASE, "models", "collection", "log", "engine"},
}
"""What each package inside rlm_local may import of the others; `cli` may import all of them."""


def imported(file: Path, *, at_top: bool = False) -> Iterator[str]:
    """The modules that a file imports; `at_top`: only when it is imported itself."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in tree.body if at_top else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    allowed = {package, *BELOW[package]}
    for file in files(PACKAGES[package]):
        if package == "rlm_local" and file.parent.name == "cli":
            continue
        ours = {module.partition(".")[0] for module in imported(file)} & PACKAGES.keys()
        assert ours <= allowed, file


def test_the_command_line_knows_of_training_only_while_a_command_runs() -> None:
    for file in files(ROOT / "rlm_local/cli"):
        assert not any(module.startswith("rlm_training") for module in imported(file, at_top=True)), file


@pytest.mark.parametrize("part", INSIDE)
def test_a_part_of_the_library_imports_only_those_below_it(part: str) -> None:
    for file in files(ROOT / "rlm_local" / part):
        ours = {module.split(".")[1] for module in imported(file) if module.startswith("rlm_local.")}
        assert ours <= {part, *INSIDE[part]}, file


def test_the_log_knows_of_the_engine_only_what_an_answer_is() -> None:
    for file in files(ROOT / "rlm_local/log"):
        assert {m for m in imported(file) if m.startswith("rlm_local.engine")} <= {"rlm_local.engine.answer"}, file
