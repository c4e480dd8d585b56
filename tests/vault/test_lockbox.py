"""A state directory's key is had with its passphrase alone, and asked for once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.errors import UsageError
from rlm_local.vault import Key, Lockbox, Secret
from rlm_local.vault.errors import VaultError

KEY = Key(b"k" * 32)


def says(*answers: str) -> Secret:
    left: Iterator[str] = iter(answers)
    return Secret(ask=lambda _: next(left))


def test_without_a_lockbox_nothing_is_sealed_and_nothing_is_asked(tmp_path: Path) -> None:
    assert Lockbox(tmp_path).key(says()) is None


def test_the_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    box = Lockbox(tmp_path)
    box.make(b"open sesame", KEY)
    secret = says("open sesame")
    assert box.key(secret) == KEY
    assert box.key(secret) == KEY
    assert (tmp_path / "vault.json").stat().st_mode & 0o777 == 0o600


def test_a_wrong_passphrase_is_told_and_the_next_may_be_right(tmp_path: Path) -> None:
    box = Lockbox(tmp_path)
    box.make(b"open sesame", KEY)
    with pytest.raises(VaultError, match=r"not the passphrase.*Try again"):
        box.key(says("open barley"))
    assert box.key(says("open sesame")) == KEY


def test_a_key_file_holds_it_with_or_without_a_line_end(tmp_path: Path) -> None:
    box, file = Lockbox(tmp_path), tmp_path / "key"
    for content in (b"s3cret\n", b"s3cret\r\n", b"s3cret"):
        file.write_bytes(content)
        box.make(b"s3cret", KEY)
        assert box.key(Secret(file)) == KEY


def test_a_key_file_goes_before_the_keyring_and_that_before_a_question(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("of the file")
    kept = Secret(ask=lambda _: "asked for", kept=lambda: "of the keyring")
    assert replace(kept, file=file).known() == b"of the file"
    assert kept.known() == b"of the keyring"
    assert replace(kept, kept=lambda: None).known() == b"asked for"
    assert kept.chosen() == b"asked for"


def test_no_key_file_and_no_terminal_say_what_to_do(tmp_path: Path) -> None:
    box = Lockbox(tmp_path)
    box.make(b"open sesame", KEY)
    with pytest.raises(VaultError, match="cannot be read"):
        box.key(Secret(tmp_path / "nowhere"))
    with pytest.raises(VaultError, match="RLM_LOCAL_KEY_FILE"):
        box.key(Secret())


def test_a_new_passphrase_is_typed_twice() -> None:
    assert says("a b", "a b").chosen() == b"a b"
    with pytest.raises(UsageError, match="not the same"):
        says("a", "b").chosen()
    with pytest.raises(UsageError, match="empty"):
        says("", "").chosen()


def test_what_was_interrupted_has_to_be_finished_first(tmp_path: Path) -> None:
    box = Lockbox(tmp_path)
    box.make(b"open sesame", KEY, Key(b"f" * 32), changing="encrypt")
    with pytest.raises(VaultError, match="rlm-local encrypt"):
        box.key(says("open sesame"))
    assert box.keys(b"open sesame") == (KEY, Key(b"f" * 32))


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"argon2id": 3}', b"\xff"])
def test_a_damaged_lockbox_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vault.json").write_bytes(content)
    with pytest.raises(VaultError, match="damaged"):
        Lockbox(tmp_path).keys(b"open sesame")
