"""What is kept on the disk, sealed: the key of a state directory, and how files and databases are sealed with it."""

from rlm_local.vault.key import Key
from rlm_local.vault.lockbox import KEY_FILE_VARIABLE, Lockbox, Secret

__all__ = ["KEY_FILE_VARIABLE", "Key", "Lockbox", "Secret"]
