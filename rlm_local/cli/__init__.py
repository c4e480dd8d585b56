"""The command line: a thin layer over the library. Data goes to stdout, everything else to stderr."""

from rlm_local.cli.app import main

__all__ = ["main"]
