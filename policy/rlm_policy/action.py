"""What a node can do next."""

from enum import StrEnum


class Action(StrEnum):
    """The four actions, cheapest first. Their first letters differ, so one token decides between them."""

    ANSWER = "ANSWER"
    """Read the whole view in one call and answer."""

    SEARCH = "SEARCH"
    """Look with code: find passages, select, count, group; read only what was found."""

    MAP = "MAP"
    """Ask the model about every item of a selection."""

    RECURSE = "RECURSE"
    """Give parts of the view to child nodes."""
