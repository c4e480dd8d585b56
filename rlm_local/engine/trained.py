"""Trained policies by name. Their adapters are loaded when a run first asks for them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from rlm_local.engine.authors.prompt import PROMPT_VERSION
from rlm_local.errors import UsageError
from rlm_policy import Artifact, Dial, Policies, PolicyError, Prompted

PROMOTED = "adapter"
"""The name that stands for whichever policy is promoted for the model when a run begins."""


@dataclass
class TrainedPolicies:
    """The policies in a directory, for one model. Each call reads the directory anew, so a promotion counts at once.

    Args:
        load: hands an adapter to the model, under a name.
    """

    policies: Policies
    model_sha256: str
    template_sha256: str
    load: Callable[[str, Path], None]
    _loaded: set[str] = field(default_factory=set[str])
    _lock: Lock = field(default_factory=Lock)

    def __contains__(self, name: str) -> bool:
        return name == PROMOTED or name in self.policies.names()

    def find(self, name: str, price: float | None) -> Prompted | None:
        """The policy of that name, with its adapter loaded; None if the directory has no such policy.

        Raises:
            UsageError: no policy is promoted, or this one is damaged, or for other weights or prompts.
            AdapterError: llama.cpp refuses the adapter.
        """
        try:
            artifact = self._artifact(name)
        except PolicyError as error:
            raise UsageError(error.message, remedy=error.remedy) from error
        if artifact is None:
            return None
        self._check(artifact)
        adapter = f"{artifact.name} {artifact.adapter_sha256[:16]}"
        with self._lock:
            if adapter not in self._loaded:
                self.load(adapter, artifact.adapter)
                self._loaded.add(adapter)
        manifest = artifact.manifest
        return Prompted(
            calibration=manifest.calibration,
            price=Dial.BALANCED.price if price is None else price,
            adapters={adapter: manifest.scale},
            name=artifact.name,
        )

    def _artifact(self, name: str) -> Artifact | None:
        if name != PROMOTED:
            return self.policies.get(name) if name in self.policies.names() else None
        promoted = self.policies.promoted(self.model_sha256)
        if promoted is None:
            raise UsageError(
                "no policy is promoted for this model", remedy="Train one: `rlm-local train loop`, or name another"
            )
        return promoted

    def _check(self, artifact: Artifact) -> None:
        manifest = artifact.manifest
        for what, theirs, ours in (
            ("weights", manifest.base_sha256, self.model_sha256),
            ("a chat template", manifest.template_sha256, self.template_sha256),
            ("prompts", manifest.prompt_version, PROMPT_VERSION),
        ):
            if theirs != ours:
                raise UsageError(
                    f"the policy {artifact.name} was trained with {what} {theirs[:16]}, and this is {ours[:16]}",
                    remedy="Train it again for this model and version",
                )
