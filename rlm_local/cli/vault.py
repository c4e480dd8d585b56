"""`rlm-local encrypt`, `rekey` and `decrypt`: what is kept on the disk, sealed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.shared import shared
from rlm_local.cli.terminal import complain

if TYPE_CHECKING:
    from rlm_local.vault.sealing import Done

_NewKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--new-key-file", metavar="FILE", help="A file with the new passphrase.  [default: you are asked for it]"
    ),
]


def encrypt(ctx: typer.Context) -> None:
    """Encrypt what is kept on the disk. That is runs, collections, kept answers and KV, uploads, the audit log.

    \b
    rlm-local encrypt                                    asks for a passphrase, now and for every later command
    rlm-local --key-file ~/usb/rlm.key encrypt           uses a file with a passphrase or random bytes
    head -c 64 /dev/urandom | base64 > ~/usb/rlm.key     makes such a file

    If you lose the passphrase, the data is lost: there is no other way in, and nobody can help. What was on the disk in
    clear is overwritten where the disk allows it; SSDs, snapshots and backups may still have it. Memory may be written
    to swap space: encrypt that, too, or use none. Weights, the sandbox image and training sets are not encrypted.
    """
    from rlm_local.vault.sealing import encrypt as seal

    home = shared(ctx).home
    _say("sealed", seal(home, home.secret))


def rekey(ctx: typer.Context, new_key_file: _NewKeyFile = None) -> None:
    """Encrypt everything again, with a new key and passphrase."""
    from rlm_local.vault import Secret
    from rlm_local.vault.sealing import rekey as change

    home = shared(ctx).home
    _say("sealed anew", change(home, home.secret, Secret(new_key_file, home.secret.ask)))


def decrypt(ctx: typer.Context) -> None:
    """Decrypt everything that is encrypted, for good."""
    from rlm_local.vault.sealing import decrypt as unseal

    home = shared(ctx).home
    _say("opened", unseal(home, home.secret))


def _say(what: str, done: "Done") -> None:
    sys.stdout.write(f"{what}: {done.databases:,} databases and {done.files:,} files\n")
    for left in done.left:
        complain(left)
