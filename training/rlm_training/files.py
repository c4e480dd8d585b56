"""Files and folders that are whole or not there: made beside their place, then moved into it."""

import hashlib
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rlm_training.errors import TrainingError


@contextmanager
def whole(path: Path) -> Generator[Path]:
    """A place to write a file or a folder to, which becomes `path` when the context ends; nothing is left otherwise.

    Raises:
        TrainingError: it cannot be written, such as on a full disk.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield made
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        made.replace(path)
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be written: {error.strerror or error}", remedy="Free some space, or name another place"
        ) from error
    finally:
        if made.is_dir():
            shutil.rmtree(made, ignore_errors=True)
        else:
            made.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole."""
    with whole(path) as made:
        made.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def sha256(path: Path) -> str:
    """Of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
