"""Lockbox: the file in a state directory that holds its key, sealed with what a person knows or has."""

import contextlib
import getpass
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_local.errors import UsageError
from rlm_local.vault.errors import VaultError
from rlm_local.vault.key import SIZE, Key
from rlm_local.vault.process import keep_in_memory

KEY_FILE_VARIABLE = "RLM_LOCAL_KEY_FILE"
"""The environment variable with the path of a file that holds the passphrase, or random bytes."""

_MEMORY, _PASSES, _LANES = 1 << 16, 3, 4  # of argon2id; KiB, and RFC 9106's second recommendation
_MOST_SECRET = 1 << 16  # bytes
_ONCE = threading.Lock()
_OPENED: dict[Path, Key] = {}
"""By the path of a lockbox. Who has given a passphrase is not asked for it again in the same process."""


def _nothing() -> None:
    """What a system without a keyring has."""


@dataclass(frozen=True)
class Secret:
    """Where the passphrase comes from.

    Attributes:
        file: holds it, less a line end after it; None: it is asked for on the terminal, unless it is kept.
        ask: asks for it there.
        kept: what the system's keyring has.
    """

    file: Path | None = None
    ask: Callable[[str], str] = getpass.getpass
    kept: Callable[[], str | None] = _nothing  # it goes to the model's process, as no lambda can

    def known(self) -> bytes:
        """The passphrase of what is sealed already."""
        if self.file:
            return self._read()
        if kept := self.kept():
            return kept.encode("utf-8", "surrogateescape")
        return self._asked("Passphrase of the state directory: ")

    def chosen(self) -> bytes:
        """A new one, asked for twice."""
        if self.file:
            return self._read()
        first = self._asked("New passphrase: ")
        if first != self._asked("Once more: "):
            raise UsageError("the two are not the same", remedy="Nothing was changed; try again")
        return first

    def _asked(self, what: str) -> bytes:
        if self.ask is getpass.getpass and not sys.stdin.isatty():
            raise VaultError(
                "the state directory is sealed, and there is no terminal to ask for its passphrase",
                remedy=f"Set {KEY_FILE_VARIABLE} to a file that holds it, or give --key-file",
            )
        return _not_empty(self.ask(what).encode("utf-8", "surrogateescape"))

    def _read(self) -> bytes:
        assert self.file is not None  # noqa: S101
        try:
            with self.file.open("rb") as file:
                content = file.read(_MOST_SECRET)
        except OSError as error:
            raise VaultError(f"the key file {self.file} cannot be read: {error.strerror or error}") from error
        return _not_empty(content.removesuffix(b"\n").removesuffix(b"\r"))


class Lockbox:
    """The lockbox of a state directory; the directory exists.

    The key is random and stays the same when the passphrase changes. While all is sealed anew, the key of before is in
    it, too, so that whoever is interrupted can go on.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "vault.json"

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def make(self, secret: bytes, key: Key, former: Key | None = None, *, changing: str = "") -> None:
        """Writes it, whole or not at all.

        Args:
            changing: the command that has begun to seal or open all files, and has not ended.
        """
        salt = secrets.token_bytes(16)
        inside = key.secret + (former.secret if former else b"")
        data = {
            "version": 1,
            "argon2id": {"salt": salt.hex(), "memory_kib": _MEMORY, "passes": _PASSES, "lanes": _LANES},
            "sealed": Key(_stretched(secret, salt, _MEMORY, _PASSES, _LANES)).seal(inside).hex(),
            "changing": changing,
        }
        part = self._path.with_name(f"vault.{secrets.token_hex(4)}")
        with contextlib.ExitStack() as stack:
            stack.callback(part.unlink, missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        _OPENED.pop(self._path, None)

    def keys(self, secret: bytes) -> tuple[Key, Key | None]:
        """The key, and the one of before while all is sealed anew.

        Raises:
            VaultError: that is not the passphrase, or the file is damaged.
        """
        data = self._read()
        try:
            cost = data["argon2id"]
            salt = bytes.fromhex(cost["salt"])
            outer = Key(_stretched(secret, salt, cost["memory_kib"], cost["passes"], cost["lanes"]))
            sealed = bytes.fromhex(data["sealed"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged() from error
        try:
            inside = outer.open(sealed)
        except VaultError:
            raise VaultError(
                f"this is not the passphrase that {self._path.parent} was sealed with",
                remedy="Try again; without it nothing in there can be read",
            ) from None
        return Key(inside[:SIZE]), Key(inside[SIZE:]) if len(inside) > SIZE else None

    @property
    def changing(self) -> str:
        """The command that was interrupted; empty where none was."""
        return str(self._read().get("changing", ""))

    def key(self, secret: Secret) -> Key | None:
        """The key; None where nothing is sealed. It is asked for once in a process.

        Raises:
            VaultError: it cannot be had, or sealing has not come to its end.
        """
        if not self.exists:
            return None
        with _ONCE:
            if self._path not in _OPENED:
                if command := self.changing:
                    raise VaultError(
                        f"some of {self._path.parent} is sealed and some is not: a command was interrupted",
                        remedy=f"Let it finish: rlm-local {command}",
                    )
                _OPENED[self._path], _ = self.keys(secret.known())
                keep_in_memory()
            return _OPENED[self._path]

    def remove(self) -> None:
        self._path.unlink()
        _OPENED.pop(self._path, None)

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self._path.read_bytes())
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        if not isinstance(data, dict):
            raise self._damaged()
        return data  # pyright: ignore[reportUnknownVariableType]

    def _damaged(self) -> VaultError:
        return VaultError(
            f"{self._path} is damaged",
            remedy="Restore it from a copy; without it nothing in there can be read",
        )


def _not_empty(secret: bytes) -> bytes:
    if not secret:
        raise UsageError("the passphrase is empty")
    return secret


def _stretched(secret: bytes, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(salt=salt, length=SIZE, iterations=passes, lanes=lanes, memory_cost=memory).derive(secret)
