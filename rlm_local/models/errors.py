"""What can go wrong with models, as a tree.

    RlmLocalError
      ModelError
        CatalogError        no model of that name
        PullError           no source could give the weights
        GgufError           the file is not the GGUF it should be
        LibraryError        llama.cpp's library cannot be had, or does not work here
        LoadError           llama.cpp cannot use the file
        TemplateError       the chat template cannot be rendered
        AdapterError        an adapter is not loaded, or is not for this model
        GrammarError        the GBNF grammar cannot be parsed
        PromptTooLong       this prompt does not fit the context
        EngineError         a decode failed, or the engine is closed
          WorkerDied        the process that llama.cpp runs in died
        ServerError         a model's server is gone, refuses, or says what cannot be understood
        Cancelled           the caller cancelled
          DeadlineExceeded  or ran out of time

A call that raises one of these has left nothing behind: other calls go on.
"""

from rlm_local.errors import RlmLocalError
from rlm_local.models.result import Usage


class ModelError(RlmLocalError):
    """Something about a model: its file, its prompt, or its evaluation.

    Attributes:
        usage: what the call had cost until then, all of it counted as prompt; a decode that was running when it was
            cancelled is in it.
    """

    usage = Usage()


class CatalogError(ModelError):
    """No model of that name, and no file at that path."""


class PullError(ModelError):
    """No source could give the weights; the message says what failed at each."""


class GgufError(ModelError):
    """The file is no GGUF, is cut short, or claims what it cannot hold."""


class LibraryError(ModelError):
    """llama.cpp's library cannot be had, is another version's, or does not work on this machine."""


class LoadError(ModelError):
    """llama.cpp refused the file, or there is no memory for it."""


class TemplateError(ModelError):
    """The chat template is missing, not renderable, or drops a message."""


class AdapterError(ModelError):
    """No adapter of that name is loaded, or the file is no adapter for this model."""


class GrammarError(ModelError):
    """The GBNF grammar cannot be parsed, or allows no token."""


class PromptTooLong(ModelError):  # noqa: N818 - a condition of the input, named as the field names it
    """The prompt does not fit the context; other calls are not disturbed.

    Attributes:
        prompt_tokens: size of the prompt, in tokens.
        context_tokens: the most that would fit, in tokens.
    """

    def __init__(self, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(
            f"the prompt has {prompt_tokens} tokens and the context holds {context_tokens}",
            remedy="Shorten the prompt or open the model with a larger context",
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens

    def __reduce__(self) -> tuple[type["PromptTooLong"], tuple[int, int], dict[str, object]]:
        """So that it can pass from one process to another."""
        return type(self), (self.prompt_tokens, self.context_tokens), vars(self)


class EngineError(ModelError):
    """A decode failed, or the engine was closed while the call was waiting."""


class WorkerDied(EngineError):  # noqa: N818 - what happened, of which the signal is the reason
    """The process that llama.cpp runs in died; `usage` does not say what had been evaluated until then."""


class ServerError(ModelError):
    """The server of a model cannot be reached, refuses, or says what cannot be understood.

    Attributes:
        status: the HTTP status of its refusal; None where it did not refuse.
    """

    def __init__(self, message: str, *, remedy: str = "", status: int | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class Cancelled(ModelError):  # noqa: N818 - not a fault: the caller asked for it
    """The call was cancelled; its sequences are dropped before the next decode."""


class DeadlineExceeded(Cancelled):
    """The call ran past its deadline."""
