"""What the model's program did wrong. It is data: said to the model once, logged, and never raised out of an author."""


class BadProgram(Exception):  # noqa: N818  the model's mistake, not a failure of the program
    """A candidate cannot run, and why, in words that help to write it again."""


class ReadOnly(BadProgram):
    """A candidate would change the records."""

    def __init__(self) -> None:
        super().__init__("Records are only read: nothing was changed.")
