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


Rules = tuple[GitIgnoreSpec, ...]
"""What a .gitignore file says; of its parts the last first, which has the say."""


def spec(lines: Sequence[str]) -> Rules:
    """What the lines of a .gitignore file say; those that are no patterns say nothing, as with git."""
    patterns = [pattern for line in lines[:_MOST] if len(line) <= _LONGEST for pattern in _patterns(line)]
    return _compiled(patterns)


def verdict(of: Rules, name: str) -> bool | None:
    """Whether a path is left out (True) or taken in again (False); None where nothing is said of it."""
    written = name.encode("utf-8", "replace").decode()
    return next((said for rules in of if (said := rules.check_file(written).include) is not None), None)


def _compiled(patterns: Sequence[Any]) -> Rules:
    """The patterns, in as many parts as it takes for each to fit into the memory that the engine has for one."""
    try:
        return (GitIgnoreSpec(patterns, backend="re2"),)
    except _RE2.error:
        half = len(patterns) // 2
        return (*_compiled(patterns[half:]), *_compiled(patterns[:half])) if half else ()


def _patterns(line: str) -> Sequence[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return tuple(GitIgnoreSpec.from_lines([line], backend="re2").patterns)
        except (ValueError, re.error, _RE2.error):
            return ()
