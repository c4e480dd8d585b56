"""The guided author: typed plans for models too small to program."""

from rlm_local.engine.guided.author import GuidedAuthor
from rlm_local.engine.guided.schema import Schema
from rlm_local.engine.guided.shots import PROMPT_VERSION

__all__ = ["PROMPT_VERSION", "GuidedAuthor", "Schema"]
