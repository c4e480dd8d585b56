"""What goes wrong in a tool of a cell, worded for whoever wrote the cell."""


class SqlError(Exception):
    """A query that does not run, or was stopped; the message is SQLite's, and what there is instead."""
