"""A model on this machine, in a process of its own: what native code does to that process ends only what was in it."""

from rlm_local.models.local.model import LocalModel

__all__ = ["LocalModel"]
