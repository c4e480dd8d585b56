"""A trained policy on the disk: a folder with an adapter, what it was made from, and how it was evaluated."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from rlm_policy.action import Action
from rlm_policy.errors import ArtifactError, NotBetterError
from rlm_policy.gate import Report, objections

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TAKEN = frozenset(("rules", "prompted", "adapter", "forced", "free", "direct", "recurse", "promoted"))


@dataclass(frozen=True)
class Manifest:
    """What a policy is for (weights, chat template, prompts), its biases, and how it was made."""

    base: str
    """The catalog's name of the model."""

    base_sha256: str
    template_sha256: str
    prompt_version: str
    calibration: Mapping[Action, float] = field(default_factory=dict[Action, float])
    """Nats for each action, as in `Prompted`."""

    scale: float = 1.0
    """Of the adapter."""

    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """How it was trained: method, hash of the data, settings, versions; plain data."""


@dataclass(frozen=True)
class Artifact:
    """A policy on the disk."""

    name: str
    folder: Path
    manifest: Manifest
    adapter_sha256: str
    created: str
    report: Report | None
    """None until it was evaluated."""

    @property
    def adapter(self) -> Path:
        """The LoRA, a GGUF file."""
        return self.folder / "adapter.gguf"


@dataclass(frozen=True)
class Promotion:
    """One line of the history: from `at` on, `name` is the policy for these weights; if it is empty, there is none."""

    at: str
    base_sha256: str
    name: str
    by: Literal["promote", "rollback"]
    objections: tuple[str, ...] = ()
    """What the gate had against it; not empty only if the promotion was forced."""


class Policies:
    """The policies in a directory: a folder for each, and `history.jsonl`, which only grows.

    Everything is read anew at each call, so that a running server notices promotions.

    Raises:
        ArtifactError: from every method, if a folder or the history is damaged or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """The names of all, sorted."""
        return sorted(path.parent.name for path in self.directory.glob("*/policy.json") if path.parent.name[0] != ".")

    def all(self) -> list[Artifact]:
        """All of them, by name."""
        return [self.get(name) for name in self.names()]

    def get(self, name: str) -> Artifact:
        """The policy of that name. Its adapter is checked against the hash in its manifest's file."""
        folder = self.directory / name
        if not _NAME.fullmatch(name) or not (folder / "policy.json").is_file():
            raise ArtifactError(f"there is no policy {name!r}", remedy="`rlm-local policy list` names them")
        try:
            data = cast("dict[str, Any]", json.loads((folder / "policy.json").read_text("utf-8")))
            manifest = dict(data["manifest"])
            manifest["calibration"] = {Action(action): float(b) for action, b in manifest["calibration"].items()}
            artifact = Artifact(
                name, folder, Manifest(**manifest), data["adapter_sha256"], data["created"], _report(folder)
            )
            digest = _sha256(artifact.adapter)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"the policy in {folder} is damaged: {error!r}", remedy="Train it again") from error
        if digest != artifact.adapter_sha256:
            raise ArtifactError(f"{artifact.adapter} is not what was written", remedy="Train the policy again")
        return artifact

    def add(self, name: str, adapter: Path, manifest: Manifest) -> Artifact:
        """Make a new policy with a copy of that adapter; if this fails, nothing is left."""
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise ArtifactError(f"{name!r} cannot be a policy's name", remedy="Use lower-case letters, digits and -")
        folder, made = self.directory / name, self.directory / f".{name}.{os.getpid()}.part"
        if folder.exists():
            raise ArtifactError(f"there is a policy {name!r} already", remedy="Choose another name")
        try:
            made.mkdir(mode=0o700, parents=True)
            shutil.copyfile(adapter, made / "adapter.gguf")
            data = {
                "manifest": asdict(manifest),
                "adapter_sha256": _sha256(made / "adapter.gguf"),
                "created": _now(),
            }
            (made / "policy.json").write_text(_to_json(data), "utf-8")
            made.rename(folder)
        except OSError as error:
            raise ArtifactError(f"{folder} cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return self.get(name)

    def evaluated(self, name: str, report: Report, detail: Mapping[str, Any]) -> Artifact:
        """Put an evaluation into a policy's folder, in place of an earlier one. `detail` is plain data."""
        folder = self.get(name).folder
        made = folder / ".report.json"
        try:
            made.write_text(_to_json({"report": report.data(), "detail": detail}), "utf-8")
            made.replace(folder / "report.json")
        except OSError as error:
            raise ArtifactError(f"{folder} cannot be written: {error.strerror or error}") from error
        finally:
            made.unlink(missing_ok=True)
        return self.get(name)

    def promote(self, name: str, *, force: bool = False) -> Artifact:
        """Make it the policy for its weights.

        Raises:
            NotBetterError: the gate objects, and `force` is False.
        """
        artifact = self.get(name)
        against = objections(artifact.report) if artifact.report else ["it was not evaluated"]
        if against and not force:
            raise NotBetterError(
                f"{name} is not promoted: {'; '.join(against)}",
                remedy="Measure it with `rlm-local policy eval`; --force promotes it all the same",
            )
        self._append(Promotion(_now(), artifact.manifest.base_sha256, name, "promote", tuple(against)))
        return artifact

    def rollback(self, base_sha256: str) -> Artifact | None:
        """Go back to the policy promoted before the current one; None if there was none, and so there is none now."""
        stack = self._stack(base_sha256)
        if not stack:
            raise ArtifactError("no policy is promoted", remedy="There is nothing to go back from")
        before = self.get(stack[-2]) if len(stack) > 1 else None
        self._append(Promotion(_now(), base_sha256, before.name if before else "", "rollback"))
        return before

    def promoted(self, base_sha256: str) -> Artifact | None:
        """The policy for these weights; None where none was promoted."""
        stack = self._stack(base_sha256)
        return self.get(stack[-1]) if stack else None

    def history(self) -> tuple[Promotion, ...]:
        """All promotions and rollbacks, in order. A last line that was cut short does not count."""
        path = self.directory / "history.jsonl"
        try:
            text = path.read_text("utf-8") if path.exists() else ""
            lines = text[: text.rfind("\n") + 1].splitlines()
            rows = [cast("dict[str, Any]", json.loads(line)) for line in lines]
            for row in rows:
                row["objections"] = tuple(row["objections"])
            return tuple(Promotion(**row) for row in rows)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactError(
                f"{path} is damaged: {error!r}", remedy="Mend the line, or move the file away"
            ) from error

    def _stack(self, base_sha256: str) -> list[str]:
        """The policies that were promoted for these weights and not taken back, the current one last."""
        stack: list[str] = []
        for line in self.history():
            if line.base_sha256 != base_sha256:
                continue
            if line.by == "promote":
                stack.append(line.name)
            elif stack:  # of two rollbacks at once, both may have gone back from the only one
                stack.pop()
        return stack

    def _append(self, promotion: Promotion) -> None:
        path = self.directory / "history.jsonl"
        rest = f"{json.dumps(asdict(promotion))}\n".encode()
        try:
            with path.open("a+b", buffering=0) as file:
                import fcntl  # not on Windows, where help and doctor start all the same

                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                whole = file.read().rfind(b"\n") + 1
                file.truncate(whole)
                try:
                    while rest:
                        rest = rest[file.write(rest) :]
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(whole)
                    raise
        except OSError as error:
            raise ArtifactError(f"{path} cannot be written: {error.strerror or error}") from error


def _report(folder: Path) -> Report | None:
    path = folder / "report.json"
    return Report.from_data(json.loads(path.read_text("utf-8"))["report"]) if path.exists() else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _to_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
