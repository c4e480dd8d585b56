"""A whole state directory sealed, opened, or sealed with another key: every file that holds texts of people.

It can be interrupted at any moment: the lockbox holds both keys until all is done, each file is replaced as a whole,
and each says itself whether it is done. The audit log has a line of the command from before the first of them.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import apsw

from rlm_local.errors import UsageError
from rlm_local.home import Home
from rlm_local.serve.audit import AuditLog
from rlm_local.sqlite import connect
from rlm_local.vault.errors import VaultError
from rlm_local.vault.key import Key, is_sealed
from rlm_local.vault.lockbox import Secret

_LOOK = 64
_STEP = 1 << 20


@dataclass
class Done:
    """What was sealed or opened. `left` is what is in the state directory and is never sealed, in words."""

    databases: int = 0
    files: int = 0
    left: list[str] = field(default_factory=list[str])


def encrypt(home: Home, secret: Secret) -> Done:
    """Seals a state directory with a new key, or goes on where that was interrupted.

    Raises:
        UsageError: it is sealed already, or in use.
        VaultError: something in it cannot be opened.
        StoreError: the command cannot be recorded; then nothing is changed.
    """
    box = home.lockbox
    with _alone(home):
        if not box.exists:
            key = Key.made()
            known = secret.chosen()
            _record(home, "encrypt", None)
            box.make(known, key, changing="encrypt")
        elif box.changing == "encrypt":
            known = secret.known()
            key, _ = box.keys(known)
        else:
            raise UsageError(
                "the state directory is sealed already" if not box.changing else "another command was interrupted",
                remedy=f"rlm-local {box.changing or 'rekey'}",
            )
        done = _change(home, (None, key), key)
        box.make(known, key)
    return done


def rekey(home: Home, secret: Secret, new: Secret) -> Done:
    """Seals all with a new key, under a new passphrase, or goes on where that was interrupted.

    Args:
        secret: the passphrase of now; once it was interrupted, the new one.

    Raises:
        UsageError, VaultError, StoreError: as of `encrypt`.
    """
    box = home.lockbox
    with _alone(home):
        if not box.exists:
            raise UsageError("the state directory is not sealed", remedy="rlm-local encrypt")
        if box.changing not in ("", "rekey"):
            raise UsageError("another command was interrupted", remedy=f"rlm-local {box.changing}")
        if box.changing:
            known = new.known()
            key, former = box.keys(known)
        else:
            former, _ = box.keys(secret.known())
            key, known = Key.made(), new.chosen()
            _record(home, "rekey", former)
            box.make(known, key, former, changing="rekey")
        done = _change(home, (former, key), key)
        box.make(known, key)
    return done


def decrypt(home: Home, secret: Secret) -> Done:
    """Opens all that is sealed, for good, or goes on where that was interrupted.

    Raises:
        UsageError, VaultError, StoreError: as of `encrypt`.
    """
    box = home.lockbox
    with _alone(home):
        if not box.exists:
            raise UsageError("the state directory is not sealed")
        if box.changing not in ("", "decrypt"):
            raise UsageError("another command was interrupted", remedy=f"rlm-local {box.changing}")
        known = secret.known()
        key, _ = box.keys(known)
        if not box.changing:
            _record(home, "decrypt", key)
        box.make(known, key, changing="decrypt")
        done = _change(home, (key, None), None)
        box.remove()
    return done


def _record(home: Home, what: str, key: Key | None) -> None:
    """That a command begins; `key` is that of the log as it is then. Going on with one is not recorded."""
    AuditLog.of(replace(home, given=key)).record("cli", what)


@contextmanager
def _alone(home: Home) -> Generator[None]:
    """While no server has the state directory; who has a database open is found later."""
    descriptor = os.open(home.serve / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError("a server uses the state directory", remedy="Stop it first") from None
    finally:
        os.close(descriptor)


_Keys = tuple[Key | None, Key | None]
"""What a file may be sealed with now: before, and after. None is not at all."""


def _change(home: Home, keys: _Keys, to: Key | None) -> Done:
    done = Done()
    databases = [home.runs, home.root / "leaves.sqlite", home.serve / "serve.sqlite", *home.collections.glob("*.db")]
    for path in filter(Path.exists, databases):
        _database(path, keys, to)
        done.databases += 1
    for folder in home.collections.glob("*.spool"):  # of an ingest that was killed
        shutil.rmtree(folder)
    whole = [home.seal / "key", *home.kv.glob("*.kv")]
    uploads = home.serve / "files"
    for paths, rewrite in ((whole, _value), (_files_of(uploads), _file), ([home.serve / "audit.jsonl"], _lines)):
        for path in filter(Path.exists, paths):
            _replace(path, keys, to, rewrite)
            done.files += 1
    if any(path.is_file() for path in home.training.rglob("*")):
        done.left.append(f"{home.training} is not sealed: what is made for training has texts of runs in it")
    return done


def _files_of(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _database(path: Path, keys: _Keys, to: Key | None) -> None:
    """Seals a database where it stands, in one transaction."""
    for key in sorted(keys, key=lambda key: key is not to):
        db = connect(path, key=key)
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            with suppress(apsw.NotADBError):
                if db.execute("PRAGMA journal_mode = DELETE").get != "delete":
                    raise apsw.BusyError
                if key is not to:
                    db.execute("PRAGMA secure_delete = ON").fetchall()
                    db.execute("PRAGMA rekey = ''" if to is None else to.resealing).fetchall()
                return
        except (apsw.BusyError, apsw.LockedError):
            raise UsageError(f"{path} is in use", remedy="End what uses it, and give the command once more") from None
        except apsw.Error as error:
            raise VaultError(f"{path} cannot be sealed or opened: {error}") from error
        finally:
            db.close()
    raise VaultError(f"{path} is damaged, or sealed with another key", remedy="Move it away, and try again")


_Rewrite = Callable[[Path, Path, _Keys, Key | None], None]


def _replace(path: Path, keys: _Keys, to: Key | None, rewrite: _Rewrite) -> None:
    """Writes a file anew beside it, and puts it in its place."""
    status = path.stat()
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        part.touch(mode=0o600, exist_ok=False)
        try:
            rewrite(path, part, keys, to)
        except VaultError as error:
            raise VaultError(f"{path}: {error.message}", remedy="Move it away, and try again") from error
        os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _value(path: Path, part: Path, keys: _Keys, to: Key | None) -> None:
    content = _opened(path.read_bytes(), keys)
    part.write_bytes(content if to is None else to.seal(content))


def _opened(content: bytes, keys: _Keys) -> bytes:
    if not is_sealed(content):
        return content
    for key in filter(None, keys):
        with suppress(VaultError):
            return key.open(content)
    raise VaultError("it is damaged, or sealed with another key")


def _lines(path: Path, part: Path, keys: _Keys, to: Key | None) -> None:
    with path.open("rb") as source, part.open("wb") as target:
        for line in source:
            for key in filter(None, keys):
                line = key.open_line(line)
            target.write(line if to is None else to.seal_line(line))


def _file(path: Path, part: Path, keys: _Keys, to: Key | None) -> None:
    for key in filter(None, keys):
        with path.open("rb") as source:
            if not is_sealed(source.read(_LOOK)):
                break
            with suppress(VaultError):
                reader = key.reader(source)
                reader.read(1)
                reader.seek(0)
                _copy(reader.read, part, to)
                return
    else:
        raise VaultError("it is damaged, or sealed with another key")
    with path.open("rb") as source:
        _copy(source.read, part, to)


def _copy(read: Callable[[int], bytes], part: Path, to: Key | None) -> None:
    with part.open("wb") as target:
        writer = None if to is None else to.writer(target)
        while piece := read(_STEP):
            (writer or target).write(piece)
        if writer:
            writer.close()
