"""Biases that were fitted to a model's own decisions, and where they are kept."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_local.errors import StoreError
from rlm_local.log import Outcome, RunStore
from rlm_policy import Action, Labelled, Reliability, fit, reliability


@dataclass(frozen=True)
class Calibration:
    """Biases in nats for each action, and how reliable held-out decisions are without and with them."""

    fitted_on: int
    biases: Mapping[Action, float]
    before: Reliability
    after: Reliability

    @property
    def better(self) -> bool:
        """Whether the biases make the right actions of held-out tasks likelier, not just of those fitted on."""
        return self.after.log_loss < self.before.log_loss

    @property
    def kept(self) -> Mapping[Action, float]:
        """The biases if they are better; else none, which also replaces those fitted earlier on fewer decisions."""
        return self.biases if self.better else {}


def calibration_of(store: RunStore, outcomes: tuple[Outcome, ...]) -> Calibration:
    """Fit on the decisions of the training split, measure on the held-out ones."""
    train, held_out = (labelled(store, tuple(o for o in outcomes if o.split == name)) for name in ("train", "held-out"))
    biases = fit(train)
    return Calibration(len(train), biases, reliability(held_out, {}), reliability(held_out, biases))


def labelled(store: RunStore, outcomes: tuple[Outcome, ...]) -> list[Labelled]:
    """Decisions with a known right action: from states at which some branch solved the task in one turn.

    The label is the action of the cheapest branch that solved it. The log probabilities are the model's own, which are
    logged whatever was forced.
    """
    branches: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        branches.setdefault(outcome.branch, []).append(outcome)
    found: list[Labelled] = []
    for tried in branches.values():
        solved: list[tuple[int, str]] = []
        own: Mapping[str, float] = {}
        for outcome in tried:
            run = store.get(outcome.run_id)
            turns = run.nodes[0].turns if run.nodes else ()
            decision: Mapping[str, Any] = turns[0].start.decision if turns else {}
            if run.answer and outcome.solved and len(turns) == 1:
                usage = run.answer.usage
                solved.append((usage.prompt_tokens + usage.completion_tokens, decision["action"]))
            own = own or decision.get("logprobs", {})
        if solved and len(own) > 1:
            options = {Action(action): logprob for action, logprob in own.items()}
            found.append(Labelled(options, Action(min(solved)[1])))
    return found


def keep(path: Path, model_sha256: str, prompt_version: str, biases: Mapping[Action, float]) -> None:
    """Keep the biases of a model, beside those of other models. Empty biases remove what was kept before.

    Raises:
        StoreError: the file cannot be written.
    """
    before, key = _read(path), f"{model_sha256} {prompt_version}"
    known = {other: kept for other, kept in before.items() if other != key}
    if biases:
        known[key] = {str(action): round(nats, 4) for action, nats in biases.items()}
    if known == before:
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def biases_of(path: Path, model_sha256: str, prompt_version: str) -> dict[Action, float]:
    """The biases of a model under a version of the prompts; empty if none were fitted."""
    kept: Mapping[str, float] = _read(path).get(f"{model_sha256} {prompt_version}", {})
    return {Action(action): nats for action, nats in kept.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}", remedy="Remove it, and calibrate again") from error
