"""What can go wrong in rlm-local, as a tree.

    RlmLocalError                  anything that a person is told about, with what to do
      UsageError                   the request itself: an empty question, an option out of range
      HomeError                    the state directory cannot be used
      StoreError                   the log of runs                         (log/)
      ModelError ...               weights, catalog, llama.cpp             (models/errors.py)
      CollectionError ...          documents                               (collection/errors.py)

The sandbox is a package of its own with a tree of its own: `rlm_sandbox.errors`.

What model-written code did wrong is not here: it is data, shown to the model and logged. What is raised ends the run.
"""


class RlmLocalError(Exception):
    """Something a person must know: what happened, and the remedy where there is one.

    Args:
        message: what happened, naming the file and the place.
        remedy: what to do about it; shown after the message.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class UsageError(RlmLocalError):
    """The request itself is wrong: nothing was started."""


class HomeError(RlmLocalError):
    """The state directory cannot be made or written."""


class StoreError(RlmLocalError):
    """The log of runs cannot be opened, read or written."""
