"""A model behind an OpenAI-compatible server: vLLM, llama-server, Ollama and others."""

from rlm_local.models.remote.model import RemoteModel

__all__ = ["RemoteModel"]
