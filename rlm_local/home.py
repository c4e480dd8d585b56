"""The one directory that holds all state: weights, the sandbox image, kept KV, the log of runs, a server's files."""

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import platformdirs

from rlm_local.errors import HomeError
from rlm_local.vault import KEY_FILE_VARIABLE, Key, Lockbox, Secret
from rlm_local.vault.keyring import kept_passphrase

STATE_MARK = ".rlm-local-state"
"""An empty file that marks a state directory: what is in one is no document, whoever names it."""


@dataclass(frozen=True)
class Home:
    """Where everything is kept, readable by its owner alone.

    Each directory is checked whenever it is asked for: it belongs to whoever runs this, and its mode is 0700. So what
    is in one was put there by nobody else. It may be a link to a larger disk.

    `RLM_LOCAL_HOME` names it; without that it is the platform's own place for a program's data.

    Attributes:
        leaf_cache: whether the answers of leaf calls are kept, so that a map that is repeated costs nothing.
        secret: where the passphrase comes from, if what is kept is sealed.
        given: the key, where another process has opened it already.
    """

    root: Path
    leaf_cache: bool = True
    secret: Secret = field(default_factory=Secret)
    given: Key | None = None

    @classmethod
    def default(cls) -> "Home":
        named, key_file = os.environ.get("RLM_LOCAL_HOME"), os.environ.get(KEY_FILE_VARIABLE)
        root = Path(named).expanduser() if named else Path(platformdirs.user_data_dir("rlm-local", appauthor=False))
        file = Path(key_file).expanduser() if key_file else None
        return cls(root, secret=Secret(file, kept=partial(kept_passphrase, root)))

    @property
    def key(self) -> Key | None:
        """What everything that holds texts of people is sealed with; None where it is not sealed.

        Raises:
            VaultError: it is sealed, and the passphrase cannot be had or is another one.
        """
        return self.given or self.lockbox.key(self.secret)

    @property
    def lockbox(self) -> Lockbox:
        return Lockbox(self._directory(""))

    @property
    def models(self) -> Path:
        return self._directory("models")

    @property
    def native(self) -> Path:
        """llama.cpp's library; see `rlm_local.models.native`."""
        return self._directory("native")

    @property
    def image(self) -> Path:
        return self._directory("image")

    @property
    def kv(self) -> Path:
        return self._directory("kv")

    @property
    def serve(self) -> Path:
        """The server's own: keys, uploaded files, the audit log."""
        return self._directory("serve")

    @property
    def seal(self) -> Path:
        """The key and the head of the server's audit log, apart from it: it may be a link to another disk."""
        return self._directory("seal")

    @property
    def collections(self) -> Path:
        """The databases of collections; see `rlm_local.collection`."""
        return self._directory("collections")

    @property
    def leaves(self) -> Path | None:
        """The SQLite file of the answers of leaf calls, if they are kept; its directory exists."""
        return self._directory("") / "leaves.sqlite" if self.leaf_cache else None

    @property
    def calibration(self) -> Path:
        """Biases of models' own decisions, as JSON; see `rlm_local.engine.calibrated`. Its directory exists."""
        return self._directory("") / "calibration.json"

    @property
    def policies(self) -> Path:
        """Trained policies; see `rlm_policy.Policies`."""
        return self._directory("policies")

    @property
    def training(self) -> Path:
        """What training makes on the way: exported bases, datasets, checkpoints."""
        return self._directory("training")

    @property
    def walls(self) -> Path:
        """The kernel under which the sandbox's walls were looked at; its directory exists."""
        return self._directory("") / "walls"

    @property
    def runs(self) -> Path:
        """The SQLite file of the log; its directory exists."""
        return self._directory("") / "runs.sqlite"

    def _directory(self, name: str) -> Path:
        path = self.root / name
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_owner(path)
            path.chmod(0o700)
            (self.root / STATE_MARK).touch(mode=0o600)
        except OSError as error:
            raise HomeError(
                f"the state directory {path} cannot be used: {error.strerror or error}",
                remedy="Set RLM_LOCAL_HOME to a directory that you can write",
            ) from error
        return path


def _check_owner(path: Path) -> None:
    """That nobody else made it, nor what a link there leads to."""
    if path.stat().st_uid != os.geteuid():
        raise HomeError(
            f"{path} belongs to another user", remedy="Set RLM_LOCAL_HOME to a directory of your own, or `chown` it"
        )
