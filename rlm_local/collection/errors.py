"""What can be wrong with a file or a collection.

CollectionError            what broke, with a remedy
  NothingReadableError     there are files, and not one text in them
Unreadable                 one file cannot be read; raised by a format, kept as the file's reason
  Needs                    it could be, with a package that is not installed
"""

from rlm_local.errors import RlmLocalError


class CollectionError(RlmLocalError):
    """A collection cannot be made, opened or written."""


class NothingReadableError(CollectionError):
    """The paths hold nothing that can be read."""


class Unreadable(Exception):  # noqa: N818  data about a file, not a failure of the program
    """This file cannot be read, and why: "encrypted", "cut short". The rest of the collection goes on."""


class Needs(Unreadable):
    """This file could be read with a package that is not installed; `command` installs it."""

    def __init__(self, command: str) -> None:
        super().__init__(f"needs a package that is not installed: {command}")
        self.command = command
