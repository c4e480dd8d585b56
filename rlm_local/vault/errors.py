"""What can go wrong with what is sealed."""

from rlm_local.errors import RlmLocalError


class VaultError(RlmLocalError):
    """The key cannot be had, or something cannot be opened with it."""
