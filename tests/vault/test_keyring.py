"""The passphrase of a state directory may be in the system's keyring."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import pytest
from keyring.errors import KeyringLocked

from rlm_local.vault.keyring import kept_passphrase


class Ring(keyring.backend.KeyringBackend):
    """One that is open until it is locked."""

    priority = 0.1  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]

    def __init__(self) -> None:
        super().__init__()
        self.locked = False
        self.kept = dict[tuple[str, str], str]()

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.mark.usefixtures("ring")
def test_it_is_found_by_the_state_directorys_path(tmp_path: Path) -> None:
    keyring.set_password("rlm-local", str(tmp_path), "open sesame")
    assert kept_passphrase(tmp_path) == "open sesame"
    assert kept_passphrase(tmp_path / "other") is None


def test_a_keyring_that_is_locked_has_nothing(ring: Ring, tmp_path: Path) -> None:
    keyring.set_password("rlm-local", str(tmp_path), "open sesame")
    ring.locked = True
    assert kept_passphrase(tmp_path) is None
