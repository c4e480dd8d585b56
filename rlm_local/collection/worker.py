"""The process that parses: reads jobs from standard input, writes what it read into spools, says which file it is at.

A job is a line of JSON: where to write, and which files to read. The answer is lines of JSON, too: {"begin": file} as
each file begins, {"end": job} once all of it is written. A file that needs too much memory or processor time ends the
process, or raises here; the other side knows which file that was.
"""

import errno
import gc
import hashlib
import json
import os
import resource
import stat
import sys
import time
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import apsw

from rlm_local.collection.beneath import open_below, open_root
from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats import Format, format_of
from rlm_local.collection.formats.format import LOOK
from rlm_local.collection.formats.source import Source
from rlm_local.collection.reading import Reading
from rlm_local.collection.safe import line
from rlm_local.collection.spool import Again, Spool
from rlm_local.vault import Key
from rlm_local.vault.key import is_sealed
from rlm_local.vault.process import keep_in_memory

LARGEST = 2 << 30
"""Bytes that a file may have."""

_TRIES = 4
_REASON = 300

Imposed = Mapping[int, Mapping[str, Reading]]


def main() -> None:
    """Works until standard input ends."""
    os.nice(5)  # a server that waits for what this process does has to answer others meanwhile
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):  # what libraries print is no answer
        os.dup2(nothing, descriptor)
    gc.set_threshold(50_000, 20, 20)  # rows are many small objects and no circles: looking for these took a third
    memory = int(sys.argv[1])
    for limit, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (most, most))
    for request in sys.stdin:
        job = json.loads(request)
        try:
            _work(job, answers)
        except (apsw.FullError, apsw.IOError, OSError) as error:
            _answer(answers, trouble=errno.ENOSPC if _is_full(error) else errno.EIO)
            return


def _work(job: Mapping[str, Any], answers: TextIO) -> None:
    key = Key(bytes.fromhex(job["key"])) if job["key"] else None
    if key:
        keep_in_memory()
    spool = Spool(Path(job["out"]), key)
    for file in job["files"]:
        _answer(answers, begin=file["id"])
        _limit_time(file["seconds"])
        imposed = {
            int(ordinal): {key: Reading(**data) for key, data in readings.items()}
            for ordinal, readings in file["imposed"].items()
        }
        spool.status(file["id"], _read(spool, file, imposed, key))
    spool.close()
    _answer(answers, end=job["id"])


def _answer(answers: TextIO, **said: int) -> None:
    answers.write(f"{json.dumps(said)}\n")
    answers.flush()


def _is_full(error: Exception) -> bool:
    return isinstance(error, apsw.FullError) or (isinstance(error, OSError) and error.errno == errno.ENOSPC)


def _limit_time(seconds: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


def _read(spool: Spool, file: Mapping[str, Any], imposed: Imposed, key: Key | None) -> tuple[object, ...]:
    """What became of a file: sha256, size, mtime_ns, format, parser, status, reason."""
    try:
        descriptor = _open(file["root"], tuple(file["steps"]))
    except OSError as error:
        return None, None, None, None, None, "skipped", f"cannot be read: {error.strerror or error}"
    with _clear(os.fdopen(descriptor, "rb"), key) as stream:
        before = os.fstat(descriptor)
        reason = _objection(before)
        if reason:
            return None, before.st_size, before.st_mtime_ns, None, None, "skipped", reason
        try:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            result = _parsed(spool, file, stream, imposed)
            after = os.fstat(descriptor)
        except OSError as error:
            if _is_full(error):
                raise
            return None, None, None, None, None, "failed", f"cannot be read: {error.strerror or error}"
    changed = (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns)
    if changed:
        spool.note(file["id"], None, "it changed while it was read; the next look reads it again")
    return sha256, before.st_size, -1 if changed else before.st_mtime_ns, *result


def _open(root: str, steps: tuple[str, ...]) -> int:
    top = open_root(root)
    try:
        return open_below(top, steps)
    finally:
        os.close(top)


def _clear(file: BufferedReader, key: Key | None) -> BufferedReader:
    """What a file holds: the content of one that is sealed with the key, which is opened as it is read."""
    sealed = key is not None and is_sealed(file.read(LOOK))
    file.seek(0)
    return key.reader(file) if key is not None and sealed else file


def _objection(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > LARGEST:
        return f"too large: {status.st_size / 2**20:.0f} MB, at most {LARGEST / 2**20:.0f} MB are read; split it"
    return "" if status.st_size else "empty"


def _parsed(
    spool: Spool, file: Mapping[str, Any], stream: BinaryIO, imposed: Imposed
) -> tuple[str | None, str | None, str, str | None]:
    """Format, parser, status, reason."""
    stream.seek(0)
    form = format_of(file["name"], stream.read(LOOK))
    if form is None:
        return None, None, "skipped", "a form that is not known"
    parser = f"{form.name} {form.version}"
    try:
        _take(spool, file, form, stream, imposed)
    except Needs as needed:
        return form.name, parser, "skipped", line(str(needed), _REASON)
    except Unreadable as error:
        told = Source(file["name"], b"").suffix in form.suffixes
        return form.name, parser, "failed" if told else "skipped", line(str(error), _REASON)
    except MemoryError:
        return form.name, parser, "failed", "needs more memory than a file may have"
    except (OSError, apsw.FullError, apsw.IOError):
        raise
    except RecursionError:
        return form.name, parser, "failed", "nested too deep"
    except Exception as error:  # noqa: BLE001  a file costs itself only, whatever its reader does
        return form.name, parser, "failed", line(f"{type(error).__name__}: {error}", _REASON)
    return form.name, parser, "read", None


def _take(spool: Spool, file: Mapping[str, Any], form: Format, stream: BinaryIO, imposed: Imposed) -> None:
    for _ in range(_TRIES):
        try:
            spool.read(file["id"], file["name"], form.read(Source(file["name"], stream)), imposed)
        except Again as again:
            imposed = {**imposed, **again.readings}
        else:
            return


if __name__ == "__main__":
    main()
