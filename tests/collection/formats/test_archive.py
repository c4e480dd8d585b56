"""Archives are opened, within bounds, and what is wrong in them costs itself only."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from rlm_local.collection.errors import Unreadable
from rlm_local.collection.formats import archive
from rlm_local.collection.formats.part import Document, Note, Part, Text
from rlm_local.collection.formats.source import Room, Source


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return stream.getvalue()


def tarred(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def names(found: list[Part]) -> list[tuple[str, str, int | None]]:
    return [(one.name, one.kind, one.parent) for one in found if isinstance(one, Document)]


def words(found: list[Part]) -> str:
    return "".join(part.text for part in found if isinstance(part, Text))


def notes(found: list[Part]) -> str:
    return "\n".join(part.problem for part in found if isinstance(part, Note))


def test_the_files_of_a_zip_are_documents_inside_it():
    found = list(archive.read_zip(Source("a.zip", zipped({"b/page.html": b"<p>words</p>", "c.html": b"<p>more</p>"}))))
    assert names(found) == [("", "archive", None), ("b/page.html", "web", 0), ("c.html", "web", 0)]
    assert "words" in words(found)
    assert "more" in words(found)


def test_an_archive_in_an_archive_is_opened_down_to_a_depth():
    data = b"<p>words</p>"
    name = "page.html"
    for depth in range(5):
        data, name = zipped({name: data}), f"{depth}.zip"
    found = list(archive.read_zip(Source(name, data)))
    assert names(found)[1:3] == [("3.zip", "archive", 0), ("3.zip > 2.zip", "archive", 1)]
    assert names(found)[-1] == ("3.zip > 2.zip > 1.zip > 0.zip", "unread", 3)
    assert "inside of more than 3 others" in notes(found)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_tar_of_any_make_is_read(form: int):
    files = {"page.html": b"<p>words</p>", "a" * 80 + "/" + "b" * 90 + ".html": b"<p>more</p>"}
    found = list(archive.read_tar(Source("a.tar", tarred(files, form))))
    assert [name for name, _, _ in names(found)][1:] == list(files)
    assert "more" in words(found)


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_compressed_file_is_what_it_was(suffix: str, pack: Callable[[bytes], bytes]):
    found = list(archive.read_compressed(Source(f"page.html.{suffix}", pack(b"<p>words</p>"))))
    assert names(found) == [("", "web", None)]
    packed = list(archive.read_compressed(Source(f"a.tar.{suffix}", pack(tarred({"page.html": b"<p>words</p>"})))))
    assert names(packed) == [("", "archive", None), ("page.html", "web", 0)]


def test_bombs_are_named():
    bomb = zipped({"zeros.html": bytes(archive.FREE + 1), "page.html": b"<p>words</p>"})
    found = list(archive.read_zip(Source("a.zip", bomb)))
    assert names(found)[1] == ("zeros.html", "unread", 0)
    assert "a bomb" in notes(found)
    with pytest.raises(Unreadable, match="a bomb"):
        list(archive.read_compressed(Source("a.html.gz", gzip.compress(bytes(archive.FREE + 1), 1))))


def test_one_file_gives_no_more_than_its_room():
    data = zipped({f"{number}.html": b"<p>words</p>" for number in range(10)})
    found = list(archive.read_zip(Source("a.zip", data, room=Room(files=3))))
    assert sum(kind == "web" for _, kind, _ in names(found)) == 3
    assert "more files than are read" in notes(found)
    found = list(archive.read_zip(Source("a.zip", data, room=Room(size=30))))
    assert sum(kind == "web" for _, kind, _ in names(found)) == 2


def test_an_encrypted_or_damaged_member_costs_itself_only():
    data = bytearray(zipped({"secret.html": b"<p>secret</p>", "page.html": b"<p>words</p>"}))
    data[6] |= 1  # of the member and of the directory: encrypted
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = list(archive.read_zip(Source("a.zip", bytes(data))))
    assert "encrypted: a password is needed" in notes(found)
    assert "words" in words(found)
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as made:
        made.writestr("broken.html", b"<p>broken</p>")
        made.writestr("page.html", b"<p>words</p>")
    found = list(archive.read_zip(Source("a.zip", stored.getvalue().replace(b"broken</p>", b"BROKEN</p>", 1))))
    assert "damaged" in notes(found)
    assert "words" in words(found)


def test_what_is_cut_short_says_so():
    whole = zipped({"page.html": b"<p>words</p>" * 100})
    with pytest.raises(Unreadable, match="cut short"):
        list(archive.read_zip(Source("a.zip", whole[:-30])))
    with pytest.raises(Unreadable, match="cut short"):
        list(archive.read_compressed(Source("a.html.gz", gzip.compress(b"words" * 1000)[:-20])))
    with pytest.raises(Unreadable, match="no archive"):
        list(archive.read_tar(Source("a.tar", b"x" * 2000)))
    rest = tarred({"page.html": b"<p>words</p>"})[:1024] + b"x" * 512
    found = list(archive.read_tar(Source("a.tar", rest)))
    assert "words" in words(found)
    assert "damaged" in notes(found)
