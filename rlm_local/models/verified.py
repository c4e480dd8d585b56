"""What is noted of weights that were hashed, beside them, so that a start need not read a gigabyte."""

import json
from pathlib import Path


def marker_of(path: Path) -> Path:
    """Where it is noted."""
    return path.with_name(f"{path.name}.verified")


def remember(path: Path, sha256: str) -> None:
    """Notes the hash of a file as it is now."""
    state = path.stat()
    marker = marker_of(path)
    marker.write_text(json.dumps([sha256, state.st_size, state.st_mtime_ns]))
    marker.chmod(0o600)


def known_sha256(path: Path) -> str | None:
    """The sha256 of a file, in hex, as it was noted; None where it was not, or the file has changed since."""
    try:
        state = path.stat()
        sha256, *then = json.loads(marker_of(path).read_text())
    except (OSError, ValueError, TypeError):
        return None
    return sha256 if then == [state.st_size, state.st_mtime_ns] else None
