"""What can go wrong with policies, as a tree.

PolicyError                 anything that a person is told about, with what to do
  ArtifactError             a policy's folder is missing, incomplete, or not what was written
  NotBetterError            a policy may not be promoted: what it is not better in
"""


class PolicyError(Exception):
    """Something a person must know: what happened, and the remedy where there is one."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class ArtifactError(PolicyError):
    """A policy's folder is missing, incomplete, or not what was written."""


class NotBetterError(PolicyError):
    """A policy that may not be promoted."""
