"""What can go wrong while a corpus is loaded.

CorpusError
├── PathMissingError       a path that was given does not exist
└── NothingReadableError   paths that exist, and not one text in them
"""

from rlm_local.errors import RlmLocalError


class CorpusError(RlmLocalError):
    """The corpus cannot be loaded."""


class PathMissingError(CorpusError):
    """A path that was given does not exist."""


class NothingReadableError(CorpusError):
    """The paths hold nothing that can be read as text."""
