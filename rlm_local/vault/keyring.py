"""The system's keyring, where a person may keep the passphrase of a state directory: Secret Service, Keychain, Windows'
Credential Locker, whatever the package `keyring` finds."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_SERVICE = "rlm-local"


def kept_passphrase(root: Path) -> str | None:
    """That of a state directory, as `keyring set rlm-local DIRECTORY` has put it there.

    None where there is none, the keyring cannot be opened, or the package is not installed.
    """
    if find_spec("keyring") is None:
        return None
    keyring: Any = import_module("keyring")
    try:
        return keyring.get_password(_SERVICE, str(root.absolute()))
    except keyring.errors.KeyringError:
        return None
