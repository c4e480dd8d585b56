"""Own models: what a person pulled from the hub beside the catalog, pinned by what it was the first time."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rlm_local.models.catalog import HubFile, ModelSpec
from rlm_local.models.errors import CatalogError


class OwnModels:
    """Their descriptions, in a JSON file beside the weights.

    Args:
        directory: that of the weights, which need not be there.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "own.json"

    def all(self) -> list[ModelSpec]:
        """In the order in which they came.

        Raises:
            CatalogError: the file is damaged.
        """
        try:
            rows: list[dict[str, Any]] = json.loads(self._path.read_text())
            for row in rows:
                row.pop("author", None)  # older versions kept one; there is one for all of them now
            return [ModelSpec(hub=HubFile(**row.pop("hub")), **row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CatalogError(
                f"{self._path}, the list of models that were pulled from the hub, cannot be read: {error}",
                remedy="Move it away, and pull them again",
            ) from error

    def keep(self, spec: ModelSpec) -> None:
        """Pin a model; of one name there is one."""
        self._write([*(each for each in self.all() if each.name != spec.name), spec])

    def forget(self, name: str) -> None:
        """Take a model's pin away."""
        self._write([each for each in self.all() if each.name != name])

    def _write(self, specs: Sequence[ModelSpec]) -> None:
        kept = ("name", "title", "licence", "bytes", "sha256", "context", "cell_bytes", "hub")
        rows = [{key: value for key, value in asdict(spec).items() if key in kept} for spec in specs]
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(rows, indent=1))
        new.chmod(0o600)
        new.replace(self._path)
