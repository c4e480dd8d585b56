"""A library of llama.cpp: a folder with its shared objects, and how it is to be used."""

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from rlm_local.models.errors import LibraryError

_NAMES = {"darwin": ("libllama.dylib", "libllama.so"), "win32": ("llama.dll", "libllama.dll")}
_CPU = "libggml-cpu-"
_PLAIN = ("haswell", "x64", "armv8.0_1")
"""Variants that ask little of a processor."""


@dataclass(frozen=True)
class Library:
    """What a process loads of llama.cpp.

    Attributes:
        folder: where `libllama.so` (on other systems what it is called there) and its backends are.
        origin: where it comes from, as a person is told: "the package @node-llama-cpp/linux-x64 3.22.1".
        variant: the build for one kind of processor that is taken of those in the folder, such as "haswell"; empty
            where llama.cpp takes the best that the processor has the instructions for.
        extra_buffers: whether weights may be laid out anew for this processor (faster; AMX is used only so).
        for_device: whether it is worth having only where it finds another device than the processor.
    """

    folder: Path
    origin: str
    variant: str = ""
    extra_buffers: bool = True
    for_device: bool = False

    @property
    def file(self) -> Path:
        """The shared object that has llama.cpp's own functions.

        Raises:
            LibraryError: there is none in the folder.
        """
        names = _NAMES.get(sys.platform, ("libllama.so",))
        for name in names:
            if (self.folder / name).is_file():
                return self.folder / name
        raise LibraryError(f"there is no {names[0]} in {self.folder}", remedy="Run `rlm-local setup`")

    @property
    def variants(self) -> tuple[str, ...]:
        """The kinds of processor that the folder has builds for; none where one build is linked in."""
        return tuple(sorted(path.stem.removeprefix(_CPU) for path in self.folder.glob(f"{_CPU}*.so")))

    @property
    def uses(self) -> "tuple[Library, ...]":
        """The ways to use it, the fastest first; the others are for machines where that one does not work."""
        plain = [replace(self, variant=name) for name in _PLAIN if name in self.variants]
        return (self,) if self.variant else (self, replace(self, extra_buffers=False), *plain)

    @property
    def backends(self) -> tuple[Path, ...]:
        """The shared objects to load for this variant, the processor's last."""
        others = [path for path in self.folder.glob("libggml-*.so") if not path.name.startswith((_CPU, "libggml-base"))]
        return (*sorted(others), self.folder / f"{_CPU}{self.variant}.so")

    @property
    def fingerprint(self) -> str:
        """What changes when a file of the folder or the way of its use does, without reading hundreds of megabytes."""
        files = [(path.name, path.stat()) for path in sorted(self.folder.glob("*")) if path.is_file()]
        seen = [(name, state.st_size, state.st_mtime_ns) for name, state in files]
        parts = (str(self.folder), seen, self.variant, self.extra_buffers)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def __str__(self) -> str:
        variant = f", built for {self.variant}" if self.variant else ""
        return f"{self.origin}{variant}{'' if self.extra_buffers else ', without extra buffers'}"
