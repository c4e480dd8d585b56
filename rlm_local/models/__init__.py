"""Models: llama.cpp, or a server, behind one small interface.

    from rlm_local.models import DEFAULT_MODEL, LlamaEngine, Message, Prompt, ensure_model, resolve

    path = ensure_model(resolve(DEFAULT_MODEL), directory)
    with LlamaEngine(path, name=DEFAULT_MODEL) as model:
        [reply] = model.generate([Prompt((Message("user", "Name a colour."),))], max_tokens=8)

These names are the package's public interface; other packages also use a few of its modules directly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlm_local.models.cancel import Cancel
    from rlm_local.models.catalog import CATALOG, DEFAULT_MODEL, ModelSpec, resolve
    from rlm_local.models.engine import LlamaEngine
    from rlm_local.models.errors import Cancelled, DeadlineExceeded, ModelError, PromptTooLong
    from rlm_local.models.local import LocalModel
    from rlm_local.models.model import Cursor, Model
    from rlm_local.models.opening import open_model
    from rlm_local.models.own import OwnModels
    from rlm_local.models.prompt import NEUTRAL, Message, Prompt
    from rlm_local.models.pull import ensure_model, verify
    from rlm_local.models.result import Choice, Generation, Scores, Usage

_PLACES = {
    "CATALOG": "catalog",
    "Cancel": "cancel",
    "Cancelled": "errors",
    "Choice": "result",
    "Cursor": "model",
    "DEFAULT_MODEL": "catalog",
    "DeadlineExceeded": "errors",
    "Generation": "result",
    "LlamaEngine": "engine",
    "LocalModel": "local",
    "Message": "prompt",
    "Model": "model",
    "ModelError": "errors",
    "ModelSpec": "catalog",
    "NEUTRAL": "prompt",
    "OwnModels": "own",
    "Prompt": "prompt",
    "PromptTooLong": "errors",
    "Scores": "result",
    "Usage": "result",
    "ensure_model": "pull",
    "open_model": "opening",
    "resolve": "catalog",
    "verify": "pull",
}

__all__ = [
    "CATALOG",
    "DEFAULT_MODEL",
    "NEUTRAL",
    "Cancel",
    "Cancelled",
    "Choice",
    "Cursor",
    "DeadlineExceeded",
    "Generation",
    "LlamaEngine",
    "LocalModel",
    "Message",
    "Model",
    "ModelError",
    "ModelSpec",
    "OwnModels",
    "Prompt",
    "PromptTooLong",
    "Scores",
    "Usage",
    "ensure_model",
    "open_model",
    "resolve",
    "verify",
]


def __getattr__(name: str) -> object:
    """Modules are loaded when first asked for: starting the model's process needs few of them."""
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(import_module(f"rlm_local.models.{_PLACES[name]}"), name)
