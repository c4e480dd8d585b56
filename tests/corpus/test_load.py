import io
import os
from pathlib import Path

import pytest

from rlm_local.corpus import Corpus
from rlm_local.corpus import load as loading
from rlm_local.corpus.errors import NothingReadableError, PathMissingError
from rlm_local.corpus.load import Files
from rlm_local.home import Home


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def names(corpus: Corpus) -> list[str]:
    return [document.name for document in corpus.documents]


def reasons(corpus: Corpus) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in corpus.skipped}


def test_a_folder_is_read_in_order_under_relative_names(tmp_path: Path) -> None:
    write(tmp_path, {"b.txt": "bee", "a/z.txt": "zed", "a/b/c.txt": "sea"})
    corpus = Corpus.load([tmp_path])
    assert names(corpus) == ["a/b/c.txt", "a/z.txt", "b.txt"]
    assert corpus.context == "=== a/b/c.txt ===\nsea\n=== a/z.txt ===\nzed\n=== b.txt ===\nbee"
    assert [document.text for document in corpus.documents] == ["sea", "zed", "bee"]


def test_names_are_unique_over_several_roots(tmp_path: Path) -> None:
    write(tmp_path, {"x/n.txt": "1", "y/n.txt": "2", "y/sub/x/n.txt": "3"})
    corpus = Corpus.load([tmp_path / "x", tmp_path / "y/n.txt", tmp_path / "y/sub/x", tmp_path / "x/n.txt"])
    assert names(corpus) == ["x/n.txt", "n.txt", "x/n.txt (2)"]


def test_gitignore_files_are_respected_where_they_stand(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.tmp\nbuild/\n!keep.tmp\n",
            "a.tmp": "x", "keep.tmp": "kept", "build/out.txt": "x", "src/.gitignore": "secret.txt\n!b.tmp\n",
            "src/secret.txt": "x", "src/b.tmp": "kept", "secret.txt": "kept",
        },
    )  # fmt: skip
    corpus = Corpus.load([tmp_path])
    assert names(corpus) == ["keep.tmp", "secret.txt", "src/b.tmp"]
    assert "3 files and folders" in reasons(corpus)[".gitignore"]


def test_hidden_binary_and_empty_files_are_skipped_and_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".env": "x",
            ".git/config": "x",
            "p.png": b"\x89PNG\r\n\x1a\n" + bytes(200),
            "e.txt": "",
            "s.txt": " \n",
            "t.txt": "x",
        },
    )
    corpus = Corpus.load([tmp_path])
    assert names(corpus) == ["t.txt"]
    assert reasons(corpus) == {
        "p.png": "binary (a PNG image)", "e.txt": "empty", "s.txt": "empty",
        "hidden files": "2 hidden files and folders",
    }  # fmt: skip


def test_pipes_are_never_opened(tmp_path: Path) -> None:
    write(tmp_path, {"t.txt": "x"})
    os.mkfifo(tmp_path / "pipe")
    assert reasons(Corpus.load([tmp_path])) == {"pipe": "not a regular file"}
    with pytest.raises(NothingReadableError, match="not a regular file"):
        Corpus.load([tmp_path / "pipe"])
    with pytest.raises(NothingReadableError, match="not a regular file"):
        Corpus.load(["/dev/zero"])


def test_links_are_followed_inside_the_root_only(tmp_path: Path) -> None:
    write(tmp_path, {"out/secret.txt": "secret", "root/sub/t.txt": "x"})
    root = tmp_path / "root"
    (root / "away").symlink_to(tmp_path / "out")
    (root / "file").symlink_to(tmp_path / "out/secret.txt")
    (root / "sub/up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "gone").symlink_to(root / "nothing")
    corpus = Corpus.load([root])
    assert names(corpus) == ["sub/t.txt"]
    assert "secret" not in corpus.context.replace("secret.txt", "")
    found = reasons(corpus)
    assert found["away"] == found["file"] == "a link that leads out of the folder"
    assert found["self"] == "a link in a loop"
    assert found["gone"] == "a link to nothing"
    assert found["sub/up"] == "already read: a link leads here"


def test_a_link_inside_the_root_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, {"real/t.txt": "x"})
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    assert len(Corpus.load([tmp_path]).documents) == 1


def test_unreadable_files_are_skipped_and_named(tmp_path: Path) -> None:
    write(tmp_path, {"t.txt": "x", "locked.txt": "x"})
    (tmp_path / "locked.txt").chmod(0)
    if os.access(tmp_path / "locked.txt", os.R_OK):
        pytest.skip("this user may read everything")
    assert "Permission denied" in reasons(Corpus.load([tmp_path]))["locked.txt"]


def test_a_file_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(loading.LARGEST + 1)
    with pytest.raises(NothingReadableError, match=r"huge.txt: too large: 256 MB, at most 256 MB are read"):
        Corpus.load([tmp_path])


def test_what_is_not_there_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(PathMissingError, match="nowhere does not exist"):
        Corpus.load([tmp_path, tmp_path / "nowhere"])


def test_a_folder_with_nothing_readable_says_why(tmp_path: Path) -> None:
    write(tmp_path, {"a.pdf": b"%PDF-1.4 x", "b.zip": b"PK\x03\x04"})
    with pytest.raises(NothingReadableError) as failure:
        Corpus.load([tmp_path])
    assert "a.pdf: binary (PDF)" in str(failure.value)
    assert "b.zip" in str(failure.value)


def test_a_state_directory_is_never_read_whoever_names_it(tmp_path: Path) -> None:
    """It holds other people's uploads; and to close an SQLite file would give up the locks that are held on it."""
    write(tmp_path, {"a.txt": "kept", "state/runs.txt": "x", "state/serve/files/file-1": "someone's"})
    (tmp_path / "link").symlink_to(tmp_path / "state/serve/files/file-1")
    assert Home(tmp_path / "state").serve == tmp_path / "state/serve"
    corpus = Corpus.load([tmp_path])
    assert names(corpus) == ["a.txt"]
    assert reasons(corpus) == {"link": "part of rlm-local's own state", "state": "part of rlm-local's own state"}
    for inside in ("state", "state/runs.txt", "state/serve", "state/serve/files/file-1", "link"):
        with pytest.raises(NothingReadableError, match="rlm-local's own state"):
            Corpus.load([tmp_path / inside])


def test_standard_input_is_a_document() -> None:
    corpus = Corpus.load(["-"], stdin=io.StringIO('{"a": 1}\n{"a": 2}\n'))
    assert [(document.name, document.kind) for document in corpus.documents] == [("stdin", "jsonl")]


def test_progress_is_told_for_each_document(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "one", "b.txt": "two"})
    told: list[tuple[str, int]] = []
    corpus = Corpus.load([tmp_path], progress=lambda name, characters: told.append((name, characters)))
    assert [name for name, _ in told] == ["a.txt", "b.txt"]
    assert told[-1][1] == len(corpus.context)


def test_odd_names_keep_the_context_readable(tmp_path: Path) -> None:
    write(tmp_path, {"two\nlines.txt": "x"})
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("y")
    corpus = Corpus.load([tmp_path])
    assert len(corpus.context.encode()) > 0
    assert all("\n" not in name for name in names(corpus))


def test_a_link_that_is_swapped_in_after_the_look_leads_nowhere(tmp_path: Path) -> None:
    """Each place on the way is swapped for a link between finding a file and opening it."""
    outside = write(tmp_path / "outside", {"b.txt": "secret", "sub/b.txt": "secret"})
    for place in ("sub", "sub/b.txt"):
        root = write(tmp_path / place.replace("/", "-"), {"a.txt": "ours", "sub/b.txt": "ours"})
        files = Files([root])
        found = iter(files)
        assert next(found).name == "a.txt"
        (root / place).rename(root / "aside")
        (root / place).symlink_to(outside / place)
        assert [file.data for file in found] == []
        assert all(skipped.path.startswith("sub") for skipped in files.skipped)
        assert files.skipped
