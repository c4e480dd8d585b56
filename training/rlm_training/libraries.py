"""The libraries of the extra `train`, imported when they are needed. They have few types: their values are `Any` here,
and each module that uses one says what comes out."""

import importlib
import os
import warnings
from typing import Any

from rlm_training.errors import ExtraMissingError

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing leaves this machine; read when the libraries are imported
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")  # progress is told in one way, see `rlm_local.cli.progress`
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
# They say so of one another: nothing that somebody who trains could change.
warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|peft|trl|accelerate")


def library(name: str) -> Any:
    """A module by its dotted name.

    Raises:
        ExtraMissingError: it, or something that it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ExtraMissingError(error.name or name) from error
