"""The tools of a cell over a collection, handed to a session: the collection's file and the package, both mounted."""

from collections.abc import Iterable
from pathlib import Path

from rlm_local import toolbox
from rlm_sandbox import SandboxError, Session
from rlm_sandbox.machine import PACKAGES

_FOLDER = Path(toolbox.__file__).parent


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
