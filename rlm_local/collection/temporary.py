"""Texts that are kept nowhere: they are files of a temporary folder while a collection is open."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from rlm_local.collection.scan import Found, printable
from rlm_local.home import STATE_MARK
from rlm_local.vault import Key


def temporary_folder() -> Path:
    """A folder that nobody else reads, and that no scan takes for documents."""
    folder = Path(tempfile.mkdtemp(prefix="rlm-local-"))
    (folder / STATE_MARK).touch(mode=0o600)
    return folder


def spilled(documents: Mapping[str, str], folder: Path, key: Key | None) -> list[Found]:
    """Texts as files of a temporary folder, to be read as others are."""
    found: list[Found] = []
    taken: set[str] = set()
    for number, (written, text) in enumerate(documents.items()):
        path = folder / str(number)
        with path.open("wb") as file:
            content = text.encode("utf-8", "replace")
            if key is None:
                file.write(content)
            else:
                key.seal_file(content, file)
        name = printable(written) or str(number)
        while name in taken:
            name += "'"
        taken.add(name)
        status = path.stat()
        found.append(Found(name, name, status.st_size, status.st_mtime_ns, str(folder), (path.name,)))
    return found
