"""`rlm-local doctor`: what is installed, what is missing, and what it would cost to fix."""

import json
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.system import ELSEWHERE, LINUX_ALONE, TESTED
from rlm_local.cli.terminal import clean, columns, console
from rlm_local.home import Home

if TYPE_CHECKING:
    from rlm_local.models.devices import Device

_RUN_MEMORY = 3_000_000_000
_IMAGE_MEGABYTES = 27
_LIBRARY_MEGABYTES = 11
_MEGABYTES_A_MINUTE = 300  # of an ordinary line

State = Literal["ok", "weak", "missing"]


@dataclass(frozen=True)
class Finding:
    """Something that was looked at: `ok`; `weak`, where a run works but worse; `missing`, where there is none.

    `megabytes` and `minutes` are what the remedy takes, `run` fetches what it needs by itself.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""
    megabytes: int = 0
    minutes: float = 0.0
    needed: bool = True
    """Whether `run` cannot work without it, and cannot fetch it."""

    fetched: bool = False
    """Whether `run` fetches it by itself where it is missing."""


def doctor(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Say what is installed and what is missing. Fixes are named with their cost; llama.cpp's library is tried out.

    Exit status: 0 if `run` works, perhaps after fetching what is missing; 1 if it cannot work.
    """
    findings = list(examine(shared(ctx).home))
    blocked = any(finding.needed and finding.state == "missing" for finding in findings)
    if as_json:
        sys.stdout.write(f"{json.dumps({'blocked': blocked, 'findings': [asdict(finding) for finding in findings]})}\n")
    else:
        _print(findings, blocked=blocked)
    raise typer.Exit(1 if blocked else 0)


def examine(home: Home) -> Iterator[Finding]:
    """Everything that a run depends on, on this machine."""
    yield _python()
    yield on_system(platform.system(), platform.machine())
    yield _compiler()
    yield from _llama(home)
    yield _wasmtime()
    yield from _machine(home)
    yield from _state(home)
    yield from _models(home)
    yield from _sandbox(home)


def _python() -> Finding:
    return Finding("python", "ok", platform.python_version())


def on_system(system: str, machine: str) -> Finding:
    """What of rlm-local there is on a system."""
    if system != "Linux":
        return Finding("system", "missing", f"{system} {machine}: {LINUX_ALONE}", ELSEWHERE)
    if (system, machine) == TESTED:
        return Finding("system", "ok", f"{system} {machine}")
    walls = "the sandbox's walls are the same" if machine == "aarch64" else "the sandbox has no seccomp filter"
    return Finding("system", "weak", f"{system} {machine}, on which nothing was tested; {walls} there")


def _compiler() -> Finding:
    from rlm_local.models.native import compiler

    if found := compiler():
        return Finding("c++ compiler", "ok", found, needed=False)
    return Finding("c++ compiler", "ok", "none; only `rlm-local setup --backend compile` needs one", needed=False)


def _llama(home: Home) -> Iterator[Finding]:
    """llama.cpp's library, tried in a process of its own, and the devices that it computes on beside the processor."""
    from rlm_local.models.errors import LibraryError
    from rlm_local.models.native import NoLibraryError, Setup, use

    try:
        library, verdict = Setup(home.root / "native").look()
    except NoLibraryError as error:
        yield Finding(
            "llama.cpp", "missing", error.message, error.remedy, _LIBRARY_MEGABYTES, 0.5, needed=False, fetched=True
        )
        return
    except LibraryError as error:
        yield Finding("llama.cpp", "missing", error.message, error.remedy)
        return
    built = f", built for {verdict.variant}" if verdict.variant and not library.variant else ""
    yield Finding("llama.cpp", "ok", f"{library}{built}: decodes as it should")
    if verdict.devices:
        use(library)
        yield from _devices(home)


def _devices(home: Home) -> Iterator[Finding]:
    from rlm_local.models import DEFAULT_MODEL
    from rlm_local.models.devices import devices

    if found := devices():
        yield offloading(found, home.root / "models" / f"{DEFAULT_MODEL}.gguf")


def offloading(found: "list[Device]", weights: Path) -> Finding:
    """Devices, and how many layers of a model fit there, if its weights are here."""
    from rlm_local.models.devices import layers_that_fit
    from rlm_local.models.errors import GgufError
    from rlm_local.models.gguf import read_header
    from rlm_local.models.memory import Needs, Room, physical_cores

    names = "; ".join(f"{each.name}, {each.description}, {each.free / 1e9:.1f} GB free" for each in found)
    try:
        header = read_header(weights)
    except GgufError:  # not here, or not whole: the line about the model says so
        return Finding("gpu", "ok", names, needed=False)
    needs = Needs(weights.stat().st_size, header.cell_bytes, header.trained_context)
    room = Room(None, tuple(device.room for device in found), physical_cores())
    fit = layers_that_fit(found, header, weights=needs.weights, cells=room.context(needs))
    state, remedy = ("ok", "") if fit > header.layers else ("weak", "The rest is computed by the processor")
    said = f"{names}; {min(fit, header.layers)} of {header.layers} layers of {weights.stem} fit"
    return Finding("gpu", state, said, remedy, needed=False)


def _wasmtime() -> Finding:
    try:
        return Finding("wasmtime", "ok", version("wasmtime"))
    except PackageNotFoundError:
        return Finding("wasmtime", "missing", "not installed", "`pip install rlm-local`", megabytes=20, minutes=0.5)


def _machine(home: Home) -> Iterator[Finding]:
    from rlm_local.models.memory import available_memory, physical_cores

    cores = physical_cores()
    wanted = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_int8", "asimd", "i8mm")
    flags = _cpu_flags()
    found = ", ".join(flag for flag in wanted if flag in flags)
    slow = not flags & {"avx2", "asimd"}
    yield Finding("cpu", "weak" if slow else "ok", f"{cores} cores; {found or 'no vector extensions known'}")
    memory = available_memory()
    if memory is None:
        yield Finding("memory", "ok", "this system does not say how much is available", needed=False)
    elif memory < _RUN_MEMORY:
        remedy = "Close something, or use --model qwen2.5-coder-0.5b"
        yield Finding("memory", "weak", f"{memory / 1e9:.1f} GB available; the default model takes up to 3", remedy)
    else:
        yield Finding("memory", "ok", f"{memory / 1e9:.1f} GB available")
    free = shutil.disk_usage(_existing(home.root)).free
    remedy = "" if free > 2e9 else "Make room, or set RLM_LOCAL_HOME to a directory on another disk"
    yield Finding("disk", "weak" if remedy else "ok", f"{free / 1e9:.1f} GB free for {home.root}", remedy)


def _state(home: Home) -> Iterator[Finding]:
    from rlm_local.errors import RlmLocalError
    from rlm_local.log import RunStore

    if not home.root.exists():
        state = "ok" if os.access(_existing(home.root), os.W_OK) else "missing"
        yield Finding("state directory", state, f"{home.root}, not made yet", "Set RLM_LOCAL_HOME" * (state != "ok"))
        return
    mode = stat.S_IMODE(home.root.stat().st_mode)
    if mode & 0o077:
        remedy = f"`chmod 700 {home.root}`"
        yield Finding("state directory", "weak", f"{home.root} has mode {mode:o}: others can read it", remedy)
    else:
        yield Finding("state directory", "ok", f"{home.root}, mode {mode:o}")
    try:
        with RunStore(home.runs, home.key) as store:
            last = store.list(1)
    except RlmLocalError as error:
        yield Finding("log of runs", "missing", error.message, error.remedy)
    else:
        yield Finding("log of runs", "ok", f"last run {last[0].run_id}" if last else "empty")


def _models(home: Home) -> Iterator[Finding]:
    """The weights that are here, and the default ones."""
    from rlm_local.models import CATALOG, DEFAULT_MODEL, OwnModels

    for spec in (*CATALOG, *OwnModels(home.root / "models").all()):
        size = round(spec.bytes / 1e6)
        if (home.root / "models" / f"{spec.name}.gguf").is_file():
            yield Finding(spec.name, "ok", f"{size:,} MB, {spec.licence}", needed=False)
        elif spec.name == DEFAULT_MODEL:
            remedy = f"`rlm-local models pull {spec.name}`; the first run does it"
            minutes = round(size / _MEGABYTES_A_MINUTE, 1)
            said = f"not here, {spec.licence}"
            yield Finding(spec.name, "missing", said, remedy, size, minutes, needed=False, fetched=True)
    yield Finding("other models", "ok", "`rlm-local models list` says which fit this machine", needed=False)


def _sandbox(home: Home) -> Iterator[Finding]:
    directory = home.root / "image"
    if any(directory.glob("*/manifest.json")):
        yield Finding("sandbox image", "ok", str(directory), needed=False)
    else:
        remedy = "The first run fetches and builds it"
        yield Finding("sandbox image", "missing", "not here", remedy, _IMAGE_MEGABYTES, 0.5, needed=False, fetched=True)
    if platform.system() != "Linux":  # that was said
        return
    try:
        from rlm_sandbox import capabilities

        granted = capabilities()
    except (ImportError, OSError) as error:
        yield Finding("sandbox protections", "missing", str(error))
        return
    lacking = [name for name, active in granted.items() if not active]
    active = ", ".join(name.replace("_", " ") for name, active in granted.items() if active)
    if lacking:
        missing = ", ".join(name.replace("_", " ") for name in lacking)
        remedy = "The kernel does not grant these; WebAssembly's own walls stand"
        yield Finding("sandbox protections", "weak", f"{active}; without {missing}", remedy)
    else:
        yield Finding("sandbox protections", "ok", active)


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.absolute().parents) if parent.exists())


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}


def _print(findings: list[Finding], *, blocked: bool) -> None:
    rows: list[tuple[str, str, str]] = []
    for finding in findings:
        cost = f" ({finding.megabytes:,} MB, about {finding.minutes:g} min)" if finding.megabytes else ""
        remedy = f". {finding.remedy}{cost}" if finding.remedy else ""
        rows.append((finding.state, finding.name, f"{finding.detail}{remedy}"))
    colours = {"ok": "green", "weak": "yellow", "missing": "red"}
    out = console(sys.stdout)
    for finding, line in zip(findings, columns(rows), strict=True):
        out.print(clean(line), style=colours[finding.state])
    out.print(f"\n{_sum(findings, blocked=blocked)}")


def _sum(findings: list[Finding], *, blocked: bool) -> str:
    if blocked:
        return "`rlm-local run` cannot work: see what is missing above."
    if any(finding.state == "missing" and finding.fetched for finding in findings):
        return "`rlm-local run` fetches what is missing first; `rlm-local setup` does it ahead."
    return "`rlm-local run` has all that it needs."
