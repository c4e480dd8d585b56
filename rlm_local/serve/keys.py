"""Keys: who may ask, read, or administer. A key is shown once, when it is made; only its hash is kept."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rlm_local.errors import UsageError
from rlm_local.log.database import Database
from rlm_local.sqlite import Row

_PREFIX = "rlm"


class Scope(StrEnum):
    """What a key is good for."""

    ASK = "ask"
    """Ask and be answered, upload and delete files."""

    READ = "read"
    """Look into one's own runs: trees, cells, prompts, documents."""

    ADMIN = "admin"
    """Everything, of every key."""


@dataclass(frozen=True)
class Key:
    """A key without its secret. Times are seconds since 1970, UTC."""

    id: str
    name: str
    scopes: frozenset[Scope]
    made: float
    revoked: float | None


class KeyRing:
    """The keys of a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, name: str, scopes: Iterable[Scope]) -> tuple[Key, str]:
        """A new key, and the text that its holder sends. The text cannot be had again.

        Raises:
            UsageError: there is a key of that name, the name is empty, or there is no scope.
        """
        granted = frozenset(scopes)
        if not name.strip() or not granted:
            raise UsageError("a key needs a name and a scope")
        key = Key(secrets.token_hex(4), name.strip(), granted, time.time(), None)
        secret = secrets.token_urlsafe(32)
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM key WHERE name = ?", (key.name,)).fetchone():
                raise UsageError(f"there is a key called {key.name!r} already", remedy="Give another name")
            row = (key.id, key.name, _hash(secret), " ".join(sorted(granted)), key.made, None)
            connection.execute("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?)", row)
        return key, f"{_PREFIX}_{key.id}_{secret}"

    def revoke(self, name: str) -> Key:
        """The key of that name or id opens nothing any more.

        Raises:
            UsageError: there is none, or it is revoked already.
        """
        with self._database.writing() as connection:
            query = "UPDATE key SET revoked = ? WHERE (name = ? OR id = ?) AND revoked IS NULL RETURNING *"
            rows = connection.execute(query, (time.time(), name, name)).fetchall()
        if not rows:
            raise UsageError(f"there is no key {name!r} to revoke", remedy="`rlm-local keys list` names them")
        return _key(rows[0])

    def list(self) -> list[Key]:
        """All keys, the first one first."""
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute("SELECT * FROM key ORDER BY made").fetchall()]

    def any(self) -> bool:
        """Whether a key was ever made: from then on every request needs one."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM key LIMIT 1").fetchone() is not None

    def check(self, text: str) -> Key | None:
        """The key whose text this is; None where it is none's, or is revoked. Takes as long for a wrong secret."""
        prefix, id_, secret = _parts(text)
        row = self._row(id_)
        known: bytes = row["sha256"] if row else bytes(32)
        same = hmac.compare_digest(_hash(secret), known)
        return _key(row) if row and same and prefix == _PREFIX and row["revoked"] is None else None

    def claimed(self, text: str) -> str | None:
        """The name of the key whose id a text has, whether or not the rest of it is right; None where there is none."""
        row = self._row(_parts(text)[1])
        return _key(row).name if row else None

    def _row(self, id_: str) -> Row | None:
        with self._database.reading() as connection:
            return connection.execute("SELECT * FROM key WHERE id = ?", (id_,)).fetchone()


def _parts(text: str) -> tuple[str, str, str]:
    """Prefix, id and secret, as far as a text has them."""
    prefix, _, rest = text.partition("_")
    id_, _, secret = rest.partition("_")
    return prefix, id_, secret


def _hash(secret: str) -> bytes:
    """Of 256 random bits: there is nothing to guess, so nothing that a slow hash would protect."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: Row) -> Key:
    scopes = frozenset(Scope(scope) for scope in str(row["scopes"]).split())
    return Key(row["id"], row["name"], scopes, row["made"], row["revoked"])
