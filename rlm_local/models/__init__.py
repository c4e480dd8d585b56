"""Models on this machine: llama.cpp behind a small interface.

    from rlm_local.models import LlamaEngine, Message, Prompt

    with LlamaEngine(path, name="qwen2.5-coder-1.5b") as model:
        [reply] = model.generate([Prompt((Message("user", "Name a colour."),))], max_tokens=8)

The names below are all that other packages use.
"""

from rlm_local.models.cancel import Cancel
from rlm_local.models.engine import LlamaEngine
from rlm_local.models.model import Cursor, Model
from rlm_local.models.prompt import Message, Prompt
from rlm_local.models.result import Choice, Generation, Scores, Usage

__all__ = [
    "Cancel",
    "Choice",
    "Cursor",
    "Generation",
    "LlamaEngine",
    "Message",
    "Model",
    "Prompt",
    "Scores",
    "Usage",
]
