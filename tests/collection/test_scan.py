"""Which files there are: names, links, hidden ones, ignores, other people's state."""

import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from rlm_local.collection.beneath import open_below, open_root
from rlm_local.collection.errors import CollectionError
from rlm_local.collection.scan import DEEPEST, Scan, printable
from rlm_local.home import STATE_MARK

_LOADS = 13_000


def names(*sources: Path) -> list[str]:
    return [found.name for found in Scan(sources)]


def reasons(*sources: Path) -> dict[str, str]:
    scan = Scan(sources)
    list(scan)
    return {skipped.path: skipped.reason for skipped in scan.skipped}


def fill(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    fill(tmp_path, "b.txt", "a/z.txt", "a/b/c.txt", "a.txt")
    assert names(tmp_path) == ["a/b/c.txt", "a/z.txt", "a.txt", "b.txt"]


def test_several_sources_have_their_folders_in_the_names(tmp_path: Path) -> None:
    fill(tmp_path, "x/a.txt", "y/a.txt", "one.txt", "z/one.txt")
    sources = [tmp_path / name for name in ("x", "y", "one.txt", "z/one.txt")]
    assert names(*sources) == ["x/a.txt", "y/a.txt", "one.txt", "one.txt (2)"]


def test_a_file_that_is_named_twice_is_found_once(tmp_path: Path) -> None:
    fill(tmp_path, "a/b.txt")
    assert names(tmp_path / "a", tmp_path / "a/b.txt", tmp_path / "a") == ["a/b.txt"]


def test_hidden_and_ignored_files_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", ".hidden", ".git/config", "build/a.o", "src/b.o", "src/keep.o", "src/c.txt")
    (tmp_path / ".gitignore").write_text("build/\n*.o\n")
    (tmp_path / "src/.gitignore").write_text("!keep.o\n")
    assert names(tmp_path) == ["a.txt", "src/c.txt", "src/keep.o"]
    found = reasons(tmp_path)
    assert found["hidden files"].startswith("4 ")
    assert found[".gitignore"].startswith("2 ")


def test_links_lead_inside_the_folder_only(tmp_path: Path) -> None:
    fill(tmp_path, "root/a.txt", "outside/secret.txt")
    root = tmp_path / "root"
    (root / "b.txt").symlink_to("a.txt")
    (root / "out").symlink_to("../outside")
    (root / "secret.txt").symlink_to("/etc/hostname")
    (root / "nothing").symlink_to("no such")
    (root / "loop").symlink_to("loop")
    (root / "up").symlink_to(".")
    assert names(root) == ["a.txt"]  # b.txt is a.txt
    found = reasons(root)
    assert found["out"] == found["secret.txt"] == "a link that leads out of the folder"
    assert found["nothing"] == "a link to nothing"
    assert found["loop"] == "a link in a loop"
    assert found["up"] == "already read: a link leads here"


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == []
    assert reasons(tmp_path) == {"pipe": "not a regular file"}


def test_a_state_directory_is_nobodys_documents(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "state/collections/x.db", "state/uploads/theirs.txt")
    (tmp_path / "state" / STATE_MARK).touch()
    assert names(tmp_path) == ["a.txt"]
    assert names(tmp_path / "state/uploads/theirs.txt") == []


def test_a_name_of_any_bytes_is_a_line_of_text(tmp_path: Path) -> None:
    for name in (b"caf\xe9.txt", b"a\nb.txt", b"x > y.txt", b"\xff\xfe"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    found = names(tmp_path)
    assert found == ["a b.txt", "caf?.txt", "x - y.txt", "??"]
    assert all(name.isprintable() and name.encode() for name in found)
    assert printable("a/b.txt") == "a/b.txt"


def test_folders_in_folders_end_somewhere(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * (DEEPEST + 2))
    deep.mkdir(parents=True)
    (deep / "a.txt").touch()
    assert names(tmp_path) == []
    assert list(reasons(tmp_path).values()) == [f"more than {DEEPEST} folders deep"]


def test_a_source_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="nowhere does not exist"):
        Scan([tmp_path, tmp_path / "nowhere"])


def test_of_thousands_of_loads_while_a_link_is_swapped_none_gives_what_is_outside(tmp_path: Path) -> None:
    fill(tmp_path, "root/folder/a.txt", "outside/a.txt")
    (found,) = Scan([tmp_path / "root"])
    real, aside, link = (tmp_path / name for name in ("root/folder", "aside", "link"))
    link.symlink_to(tmp_path / "outside")
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            real.rename(aside)
            link.rename(real)
            real.rename(link)
            aside.rename(real)

    swapping = threading.Thread(target=swap)
    swapping.start()
    loads: Counter[bytes] = Counter()
    root = open_root(found.root)
    try:
        for load in range(20 * _LOADS):  # on a busy machine, one of the threads may hardly get its turn
            if load >= _LOADS and len(loads) > 1:
                break
            try:
                with os.fdopen(open_below(root, found.steps), "rb") as file:
                    loads[file.read()] += 1
            except OSError:
                loads[b""] += 1
    finally:
        ended.set()
        swapping.join()
        os.close(root)
    assert loads.keys() == {b"", b"root/folder/a.txt"}


def test_a_link_swapped_in_leads_nowhere(tmp_path: Path) -> None:
    fill(tmp_path, "root/folder/a.txt", "outside/a.txt")
    (found,) = Scan([tmp_path / "root"])
    (tmp_path / "root/folder").rename(tmp_path / "root/before")
    (tmp_path / "root/folder").symlink_to(tmp_path / "outside")
    root = open_root(found.root)
    try:
        with pytest.raises(OSError, match="directory"):
            open_below(root, found.steps)
    finally:
        os.close(root)
