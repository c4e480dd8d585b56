"""Mistakes of the model's program. They are told to the model once and logged, but never leave an author."""


class BadProgram(Exception):  # noqa: N818  the model's mistake, not a failure of the program
    """A candidate cannot run; the message helps to write it again."""


class ReadOnly(BadProgram):
    """A candidate would change the records."""

    def __init__(self) -> None:
        super().__init__("Records are only read: nothing was changed.")
