"""The hub: what it says about a file, and how a file that is not in the catalog becomes a model here.

The sha256 of such a file is pinned when it is first pulled. If the file is a different one later, it is refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from rlm_local.models.catalog import CATALOG, HubFile, ModelSpec
from rlm_local.models.errors import CatalogError, PullError
from rlm_local.models.fit import refuse
from rlm_local.models.gguf import STATEFUL, read_header
from rlm_local.models.sources import SourceError, reach

_ADDRESS = re.compile(r"([\w.-]+/[\w.-]+):([\w./ +-]+\.gguf)(?:@([\w./-]+))?", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf\Z", re.ASCII | re.IGNORECASE)
_SECONDS = 20.0


@dataclass(frozen=True)
class Address:
    """A file on the hub, as a person names it: `OWNER/REPO:FILE[@REVISION]`."""

    repository: str
    file: str
    revision: str | None

    @classmethod
    def read(cls, text: str) -> "Address | None":
        """The address in a text; None if it is not one."""
        found = _ADDRESS.fullmatch(text)
        return cls(found[1], found[2], found[3]) if found else None

    def __str__(self) -> str:
        return f"{self.repository}:{self.file}{f'@{self.revision}' if self.revision else ''}"


@dataclass(frozen=True)
class Entry:
    """What the hub says about a file: its commit, its size in bytes, its hash, the licence, and the architecture as
    GGUF names it; empty if the hub does not say."""

    revision: str
    bytes: int
    sha256: str
    licence: str
    architecture: str = ""


def look_up(address: Address) -> Entry:
    """Ask the hub, or the mirror that HF_ENDPOINT names.

    Raises:
        PullError: it cannot be reached, has no such file, or is not a hub.
    """
    import huggingface_hub
    from huggingface_hub import constants

    try:
        reach(constants.ENDPOINT)
        api: Any = huggingface_hub.HfApi()
        told = api.model_info(address.repository, revision=address.revision, files_metadata=True, timeout=_SECONDS)
        files = {each.rfilename: each for each in told.siblings}
    except SourceError as error:
        raise PullError(f"the hub cannot be asked for {address}: {error}", remedy="Check the network") from error
    except Exception as error:
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        remedy = f"Check the address, and that {constants.ENDPOINT} is the hub and no sign-in page"
        raise PullError(f"the hub does not say what {address} is: {said}", remedy=remedy) from error
    found = files.get(address.file)
    if found is None or not found.lfs:
        names = ", ".join(sorted(name for name in files if name.lower().endswith(".gguf"))[:20]) or "none"
        raise PullError(f"{address.repository} has no weights {address.file}", remedy=f"GGUF files there: {names}")
    tags = [tag.removeprefix("license:") for tag in told.tags or () if tag.startswith("license:")]
    header: dict[str, Any] = told.gguf or {}
    licence, architecture = tags[0] if tags else "not known", str(header.get("architecture", ""))
    return Entry(told.sha, found.lfs.size, found.lfs.sha256, licence, architecture)


def adopt(address: Address, own: Sequence[ModelSpec], *, ask: Callable[[Address], Entry] = look_up) -> ModelSpec:
    """The model that an address stands for: one of the catalog, one that was pulled before, or a new one.

    Args:
        own: models that were pulled before.
        ask: asks the hub; not called if the model is known.

    Raises:
        CatalogError: the file is one of several parts, all of which llama.cpp would need.
        PullError: the hub cannot be asked, or the file is not the same as the first time.
        LoadError: it is of an architecture that would answer wrongly here.
    """
    if _PART.search(address.file):
        raise CatalogError(f"{address.file} is one of several parts", remedy="Take a file that is whole")
    for spec in (*CATALOG, *own):
        known = spec.hub
        if known is None or (known.repository, known.file) != (address.repository, address.file):
            continue
        if address.revision in (None, known.revision):
            return spec
        entry = ask(address)
        if entry.sha256 == spec.sha256:
            return spec
        raise PullError(
            f"{address} is another file than the one that {spec.name} is pinned to: its sha256 is "
            f"{entry.sha256[:16]}..., at {known.revision[:12]} it was {spec.sha256[:16]}...",
            remedy=f"`rlm-local models remove {spec.name}` forgets that one, where you pulled it; then pull again",
        )
    entry = ask(address)
    if entry.architecture in STATEFUL:
        refuse(str(address), entry.architecture)
    return ModelSpec(
        name=_name(address, {spec.name for spec in (*CATALOG, *own)}),
        title=PurePosixPath(address.file).stem,
        licence=entry.licence,
        bytes=entry.bytes,
        sha256=entry.sha256,
        hub=HubFile(address.repository, entry.revision, address.file),
    )


def described(spec: ModelSpec, path: Path) -> ModelSpec:
    """A model that was fetched, with what its file says of it.

    Raises:
        GgufError: the file is no GGUF.
        LoadError: it is of an architecture that would answer wrongly here.
    """
    header = read_header(path)
    if header.recurrent:
        refuse(spec.name, header.architecture)
    return replace(spec, context=header.trained_context, cell_bytes=header.cell_bytes)


def _name(address: Address, taken: set[str]) -> str:
    """A name for it: the file's; if another model has that, with the repository's before it."""
    name = PurePosixPath(address.file).stem.lower().replace(" ", "-")
    return name if name not in taken else f"{address.repository.replace('/', '-').lower()}-{name}"
