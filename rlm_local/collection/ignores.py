"""Patterns of .gitignore files, which are a stranger's: matched in linear time, and one that is none stops nothing."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import re2  # pyright: ignore[reportMissingTypeStubs]
from pathspec import GitIgnoreSpec

_RE2: Any = re2
_MOST = 10_000
_LONGEST = 1_000
"""Characters of a pattern."""


def spec(lines: Sequence[str]) -> GitIgnoreSpec:
    """What the lines of a .gitignore file say; those that are no patterns say nothing, as with git."""
    patterns = [pattern for line in lines[:_MOST] if len(line) <= _LONGEST for pattern in _patterns(line)]
    return GitIgnoreSpec(patterns, backend="re2")


def verdict(of: GitIgnoreSpec, name: str) -> bool | None:
    """Whether a path is left out (True) or taken in again (False); None where nothing is said of it."""
    return of.check_file(name.encode("utf-8", "replace").decode()).include


def _patterns(line: str) -> Sequence[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return tuple(GitIgnoreSpec.from_lines([line], backend="re2").patterns)
        except (ValueError, re.error, _RE2.error):
            return ()
