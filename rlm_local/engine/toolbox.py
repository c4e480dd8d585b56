"""A session with the tools of a cell in it: the collection's file and the package `rlm_local.toolbox`, both mounted."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rlm_local import toolbox
from rlm_local.collection.errors import CollectionError
from rlm_local.collection.view import View
from rlm_sandbox import Image, Limits, Pool, SandboxError, Session
from rlm_sandbox.machine import PACKAGES

_FOLDER = Path(toolbox.__file__).parent
_REPLY_BYTES = 256 << 20
"""The most that a host call may answer: the text of many passages."""


def open_session(view: View, sandbox: Image | Pool, seconds: float, calls: Mapping[str, Callable[..., Any]]) -> Session:
    """A session with the collection mounted and its tools installed.

    Args:
        seconds: how long a cell may compute.
        calls: the host calls that the tools make, by name.

    Raises:
        SandboxError: the sandbox does not start, or the tools cannot be installed.
        CollectionError: the collection's file is gone.
    """
    session = Session(sandbox, limits=Limits(seconds=seconds, host_call_bytes=_REPLY_BYTES), host_calls=calls)
    try:
        hand_over(session, view.collection.pages, view.only)
    except BaseException as error:
        session.close()
        if isinstance(error, FileNotFoundError):
            raise CollectionError("the collection was deleted while it was in use", remedy="Start again") from error
        raise
    return session


def hand_over(session: Session, database: Path | int, only: Iterable[int] | None = None) -> None:
    """Give a new session `sql` and what goes with it, over the database at a path or behind a descriptor.

    Args:
        only: ids of the documents that are looked at; all by default.

    Raises:
        OSError: the database cannot be opened.
        SandboxError: the session does not take it.
    """
    session.mount(toolbox.COLLECTION, database)
    for file in sorted(_FOLDER.glob("*.py")):
        session.mount(f"{PACKAGES}/toolbox/{file.name}", file)
    own = None if only is None else sorted(only)
    opened = session.run(f"import rlm_host, toolbox; _rlm = toolbox.install(globals(), rlm_host.call, {own!r})")
    if opened.error or opened.stopped:
        raise SandboxError(f"the session cannot be opened: {opened.error or opened.stopped}")
