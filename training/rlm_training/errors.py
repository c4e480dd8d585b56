"""What can go wrong in training, as a tree.

    RlmLocalError
      TrainingError
        ExtraMissingError     a library of the extra `train` is not installed
        BaseError             weights that cannot be exported, or whose export does not agree with them
        DataError             a log or a dataset from which nothing can be learned
        TrainerError          training that cannot start, or that collapsed
        ConversionError       an adapter that GGUF cannot represent, or that is not for this base
        EvaluationError       results that cannot be compared

Where one is raised nothing half-written is left: files and folders are made beside their place and moved there whole.
"""

from rlm_local.errors import RlmLocalError


class TrainingError(RlmLocalError):
    """A step of training did not come about."""


class ExtraMissingError(TrainingError):
    """A library of the extra `train` is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(
            f"training needs {library}, which is not installed",
            remedy="Install the extra: pip install torch, then pip install 'rlm-local[train]'",
        )


class BaseError(TrainingError):
    """Weights that cannot be exported, or whose export gives other tokens or logits."""


class DataError(TrainingError):
    """A log, a collection or a dataset from which nothing can be learned."""


class TrainerError(TrainingError):
    """Training that cannot start, or that collapsed."""


class ConversionError(TrainingError):
    """An adapter that GGUF cannot represent, or that is not for this base."""


class EvaluationError(TrainingError):
    """Results that cannot be compared."""
