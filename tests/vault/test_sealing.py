"""After `encrypt`, no word of documents and questions stands anywhere in the state directory; all works as before."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rlm_local.cli.app import app
from rlm_local.cli.shared import Shared
from rlm_local.collection import Collection
from rlm_local.collection.shelf import entries
from rlm_local.errors import StoreError, UsageError
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models.leaves import LeafCache
from rlm_local.models.shelf import Shelf
from rlm_local.serve.audit import AuditLog
from rlm_local.serve.files import FileStore
from rlm_local.serve.state import open_state
from rlm_local.sqlite import connect
from rlm_local.vault import Key, Secret
from rlm_local.vault.errors import VaultError
from rlm_local.vault.sealing import decrypt, encrypt, rekey
from tests.log.sample import run_start, write_run
from tests.vault.test_lockbox import says

WORDS = [f"Wort{number}harbour" for number in range(200)]
TEXT = " ".join(WORDS)
TOKENS = np.arange(5, dtype=np.int32)


def fill(home: Home, documents: Path) -> None:
    """Something of everything that is kept."""
    documents.mkdir(exist_ok=True)
    (documents / "letter.txt").write_text(f"{TEXT}\n")
    (documents / "table.csv").write_text("name,word\n" + "".join(f"{n},{word}\n" for n, word in enumerate(WORDS)))
    with closing(open_state(home)) as state:
        files = FileStore(state, home.serve / "files", most_bytes=1 << 24, quota_bytes=1 << 24, key=home.key)
        with (documents / "letter.txt").open("rb") as source:
            file = files.add("local", f"{WORDS[0]}.txt", source, purpose="user_data")
        Collection.open([documents], home=home, uploads=[(file.name, files.path(file))]).close()
    with RunStore(home.runs, home.key) as store:
        write_run(store.begin(replace(run_start(), question=TEXT)), turns=1)
    leaves = home.leaves
    assert leaves is not None
    with closing(LeafCache(leaves, b"", key=home.key)) as cache:
        cache.put({cache.key(["choose"], b"", b""): TEXT})
    Shelf(home.kv, b"", key=home.key).save(TOKENS, TEXT.encode())
    AuditLog.of(home, texts=True).record("anna", "ask", question=TEXT)


def check(home: Home, documents: Path) -> None:
    """All of it is there."""
    with closing(open_state(home)) as state:
        files = FileStore(state, home.serve / "files", key=home.key)
        [file] = files.list(None)
        with files.open(file) as stream:
            assert stream.read().decode().split() == WORDS
        uploads = [(file.name, files.path(file))]
        with Collection.open([documents], home=home, uploads=uploads) as collection:
            assert collection.search(WORDS[7])
            assert all(word in collection.text() for word in WORDS)
    with RunStore(home.runs, home.key) as store:
        assert store.get("last").start.question == TEXT
    assert home.leaves is not None
    with closing(LeafCache(home.leaves, b"", key=home.key)) as cache:
        key = cache.key(["choose"], b"", b"")
        assert cache.get([key]) == {key: TEXT}
    state = Shelf(home.kv, b"", key=home.key).load(TOKENS)
    assert state is not None
    assert bytes(state).decode() == TEXT
    assert not AuditLog.of(home).verify().problems
    assert AuditLog.of(home).find(TEXT)


def found(home: Home) -> set[str]:
    """The words that stand in any file, as text or as UTF-16."""
    parts = [path.read_bytes() for path in home.root.rglob("*") if path.is_file()]
    data = b"\0".join((*parts, *(str(path).encode() for path in home.root.rglob("*"))))
    return {word for word in WORDS if word.encode() in data or word.encode("utf-16-le") in data}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def unlocked(home: Home, *answers: str) -> Home:
    return Home(home.root, secret=says(*answers))


def test_what_was_in_clear_is_sealed_works_and_is_opened_again(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path / "records")
    assert found(home) == set(WORDS)
    encrypt(home, says("one", "one"))
    assert not found(home)
    check(unlocked(home, "one"), tmp_path / "records")
    assert not found(home)
    decrypt(home, says("one"))
    check(home, tmp_path / "records")
    assert found(home) == set(WORDS)


def test_what_is_kept_from_then_on_is_sealed(home: Home, tmp_path: Path) -> None:
    encrypt(home, says("one", "one"))
    use = unlocked(home, "one")
    fill(use, tmp_path / "records")
    assert not found(home)
    check(use, tmp_path / "records")
    assert entries(use)[0].files


def test_a_new_key_opens_what_the_old_one_does_not_any_more(home: Home, tmp_path: Path) -> None:
    encrypt(home, says("one", "one"))
    use = unlocked(home, "one")
    fill(use, tmp_path / "records")
    old = use.key
    rekey(home, says("one"), says("two", "two"))
    with pytest.raises(VaultError, match="not the passphrase"):
        _ = unlocked(home, "one").key
    use = unlocked(home, "two")
    check(use, tmp_path / "records")
    assert use.key != old
    assert not found(home)


def test_each_command_is_recorded_once_and_what_was_recorded_stays_whole(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path / "records")
    with RunStore(home.runs), pytest.raises(UsageError, match="in use"):
        encrypt(home, says("one", "one"))
    encrypt(home, says("one"))  # goes on
    rekey(home, says("one"), says("two", "two"))
    decrypt(home, says("two"))
    told = [json.loads(line) for line in AuditLog.of(home).path.read_text().splitlines()]
    assert [line["what"] for line in told] == ["ask", "encrypt", "rekey", "decrypt"]
    assert not AuditLog.of(home).verify().problems


def test_a_command_that_cannot_be_recorded_changes_nothing(home: Home, tmp_path: Path) -> None:
    log = AuditLog.of(home).path
    log.mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        encrypt(home, says("one", "one"))
    assert not home.lockbox.exists
    log.rmdir()
    encrypt(home, says("one", "one"))
    log.unlink()
    log.mkdir()
    for command in (
        lambda: rekey(home, says("one"), says("two", "two")),
        lambda: decrypt(home, says("one")),
    ):
        with pytest.raises(StoreError, match="cannot be written"):
            command()
        assert (home.lockbox.changing, home.lockbox.keys(b"one")[1]) == ("", None)


@pytest.mark.parametrize("after", [0, 4])
def test_an_interrupted_command_is_gone_on_with(home: Home, tmp_path: Path, after: int) -> None:
    """As if it had ended after some files: these are sealed, the others are not."""
    fill(home, tmp_path / "records")
    key = Key.made()
    home.lockbox.make(b"one", key, changing="encrypt")
    databases = [home.runs, home.root / "leaves.sqlite", home.serve / "serve.sqlite"]
    for path in databases[:after]:
        db = connect(path)
        db.execute("PRAGMA journal_mode = DELETE").fetchall()
        db.execute(key.resealing).fetchall()
        db.close()
    if after > 3:
        upload = next((home.serve / "files").iterdir())
        content = upload.read_bytes()
        with upload.open("wb") as file:
            key.seal_file(content, file)
    with pytest.raises(VaultError, match="rlm-local encrypt"):
        _ = unlocked(home, "one").key
    with pytest.raises(UsageError, match="rlm-local encrypt"):
        decrypt(home, says("one"))
    encrypt(home, says("one"))
    assert not found(home)
    check(unlocked(home, "one"), tmp_path / "records")


def test_what_is_in_use_is_not_sealed(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path / "records")
    with RunStore(home.runs), pytest.raises(UsageError, match="in use"):
        encrypt(home, says("one", "one"))
    encrypt(home, says("one"))
    check(unlocked(home, "one"), tmp_path / "records")


def test_the_commands_say_what_they_did(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path / "records")
    key, new = tmp_path / "key", tmp_path / "new"
    key.write_text("one\n")
    new.write_text("two\n")
    for arguments, told in (
        (["--key-file", str(key), "encrypt"], "sealed: 4 databases"),
        (["--key-file", str(key), "rekey", "--new-key-file", str(new)], "sealed anew: 4 databases"),
        (["--key-file", str(new), "runs", "list"], WORDS[0]),
        (["--key-file", str(new), "decrypt"], "opened: 4 databases"),
    ):
        result = CliRunner().invoke(app, arguments, obj=Shared(home))
        assert told in result.output, result.output
    result = CliRunner().invoke(app, ["--key-file", str(key), "decrypt"], obj=Shared(home))
    assert (result.exit_code, "not sealed" in result.output) == (2, True)


def test_without_its_key_it_says_what_to_do(home: Home, tmp_path: Path) -> None:
    encrypt(home, says("one", "one"))
    wrong = tmp_path / "wrong"
    wrong.write_text("three")
    result = CliRunner().invoke(app, ["--key-file", str(wrong), "runs", "list"], obj=Shared(home))
    assert (result.exit_code, "not the passphrase" in result.output) == (1, True)
    with pytest.raises(VaultError, match="RLM_LOCAL_KEY_FILE"):
        _ = Home(home.root, secret=Secret()).key
