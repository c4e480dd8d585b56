"""What a collection is made from."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rlm_local.collection.scan import Scan
from rlm_local.sqlite import Database


@dataclass(frozen=True)
class Sources:
    """Files and folders by their resolved paths; and files that others gave names of their own, as (name, path)."""

    paths: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, db: Database) -> "Sources":
        """Those of a collection."""
        meta = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('sources', 'named')"))
        named = [(name, path) for name, path in json.loads(str(meta.get("named", "[]")))]
        return cls(tuple(json.loads(str(meta.get("sources", "[]")))), tuple(named))

    def meta(self) -> dict[str, str]:
        """As a collection keeps them."""
        return {"sources": json.dumps(self.paths), "named": json.dumps(self.named)}

    @property
    def key(self) -> str:
        """What a collection of them is called, whatever their order."""
        each = sorted((*self.paths, *(f"{name}\0{path}" for name, path in self.named)))
        return hashlib.sha256("\0".join(each).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    @property
    def names(self) -> tuple[str, ...]:
        """As people know them."""
        return (*(name for name, _ in self.named), *self.paths)

    def __or__(self, other: "Sources") -> "Sources":
        return Sources(
            tuple(dict.fromkeys((*self.paths, *other.paths))), tuple(dict.fromkeys((*self.named, *other.named)))
        )

    def scan(self) -> Scan:
        """Their files.

        Raises:
            CollectionError: one is not there any more.
        """
        return Scan([Path(path) for path in self.paths], [(name, Path(path)) for name, path in self.named])
