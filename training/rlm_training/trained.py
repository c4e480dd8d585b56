"""The folder of a training: checkpoints while it runs, then the best adapter, and a record of how it was made."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from rlm_training.base import Export
from rlm_training.datasets import Dataset
from rlm_training.errors import DataError, TrainerError
from rlm_training.files import write_json


@dataclass(frozen=True)
class Point:
    """The share of held-out decisions that were right at one point of a training."""

    step: int
    samples: int
    accuracy: float
    loss: float | None = None


@dataclass(frozen=True)
class Trained:
    """A finished training. `curve` starts with the model as it was before."""

    method: str
    base: str
    base_sha256: str
    data_sha256: Mapping[str, str]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    curve: tuple[Point, ...]
    wrong: Mapping[str, int]
    """How many held-out decisions the adapter gets wrong, by the right decision."""

    seconds: float
    ended: str
    """Why it ended: all steps were taken, or nothing improved any more."""

    @property
    def best(self) -> Point:
        return max(self.curve, key=lambda point: (point.accuracy, -point.step))

    def save(self, directory: Path) -> None:
        write_json(directory / "training.json", asdict(self))


def read_trained(directory: Path) -> Trained | None:
    """The training in a folder, if it has ended.

    Raises:
        TrainerError: the file is damaged.
    """
    path = directory / "training.json"
    if not path.exists():
        return None
    try:
        data = cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
        data["curve"] = tuple(Point(**point) for point in data["curve"])
        return Trained(**data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainerError(f"{path} is damaged: {error!r}", remedy="Remove the folder and train again") from error


def check_match(dataset: Dataset, export: Export) -> None:
    """Raises DataError if a dataset is for other weights than the base."""
    of = dataset.about.get("model_sha256")
    if of != export.sha256:
        raise DataError(
            f"the dataset is of a model with the sha256 {str(of)[:16]}..., the base {export.name} has "
            f"{export.sha256[:16]}...",
            remedy="Collect, build and train with one model",
        )
