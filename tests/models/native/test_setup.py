import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_local.errors import UsageError
from rlm_local.models.errors import LibraryError
from rlm_local.models.native import VARIABLE, Library, NoLibraryError, Setup, library
from rlm_local.models.native.packages import package_for
from rlm_local.models.native.trial import Verdict, attempt
from rlm_local.models.sources import Report
from tests.models.native import builds

pytestmark = pytest.mark.skipif(package_for("cpu") is None, reason="no build is fetched on such a machine")


def no_registry(_requirement: str, _directory: Path, _report: Report) -> Path:
    raise LibraryError("there is no registry")


def no_compiler(_directory: Path, _report: Report) -> Library:
    raise LibraryError("there is no C++ compiler")


VARIANTS = ("haswell", "icelake", "x64")


class Trials:
    """What each use of a library comes to; works unless it is named here."""

    def __init__(self, failing: Mapping[tuple[str, bool], Verdict] | None = None) -> None:
        self.failing = dict(failing or {})
        self.seen: list[Library] = []

    def __call__(self, library: Library) -> Verdict:
        self.seen.append(library)
        return self.failing.get((library.variant, library.extra_buffers), Verdict(variant="icelake"))


def folder(path: Path) -> Path:
    """A folder that looks like a library with variants."""
    path.mkdir(parents=True)
    for name in ("libllama.so", *(f"libggml-cpu-{variant}.so" for variant in VARIANTS)):
        (path / name).write_bytes(name.encode())
    return path


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Setup]:
    """A set-up whose package has been fetched."""
    package = package_for("cpu")
    assert package
    folder(package.library(tmp_path).folder)

    def make(trials: Callable[[Library], Verdict], said: list[str] | None = None, **environment: str) -> Setup:
        return Setup(
            tmp_path,
            notice=(said if said is not None else []).append,
            attempt=trials,
            compile=no_compiler,
            pack=no_registry,
            environment=environment,
            brought=tmp_path / "none",
        )

    return make


DIED = Verdict("died of SIGILL", variant="icelake")


def test_the_best_way_is_taken_without_a_word(make: Callable[..., Setup]):
    said: list[str] = []
    chosen = make(Trials(), said).choose()
    assert (chosen.variant, chosen.extra_buffers) == ("", True)
    assert said == []


def test_what_died_is_passed_over_and_told_in_one_line(make: Callable[..., Setup]):
    said: list[str] = []
    chosen = make(Trials({("", True): DIED}), said).choose()
    assert (chosen.variant, chosen.extra_buffers) == ("", False)
    [line] = said
    assert "(built for icelake) died of SIGILL" in line
    assert line.endswith("without extra buffers works and is used")


def test_then_a_variant_that_asks_little_of_a_processor(make: Callable[..., Setup]):
    trials = Trials({("", True): DIED, ("", False): DIED, ("haswell", True): Verdict("computes wrongly")})
    assert make(trials).choose().variant == "x64"


def test_a_library_that_is_refused_is_not_tried_in_other_ways(make: Callable[..., Setup]):
    trials = Trials({("", True): Verdict("is another version's", refused=True)})
    with pytest.raises(LibraryError):
        make(trials).choose()
    assert len(trials.seen) == 1


def test_where_none_works_the_signal_the_variant_and_the_remedy_are_named(make: Callable[..., Setup]):
    trials = Trials({(variant, extra): DIED for variant in ("", "haswell", "x64") for extra in (True, False)})
    with pytest.raises(LibraryError, match="SIGILL") as caught:
        make(trials).choose()
    assert "icelake" in caught.value.message
    assert "no C++ compiler" in caught.value.message
    assert "rlm-local setup --backend compile" in caught.value.remedy


def test_what_was_found_holds_until_something_changes(make: Callable[..., Setup], tmp_path: Path):
    trials, said = Trials({("", True): DIED}), list[str]()
    first = make(trials, said).choose()
    assert len(trials.seen) == 2
    assert make(trials).choose() == first
    assert len(trials.seen) == 2
    make(trials).choose(anew=True)
    assert len(trials.seen) == 4
    (first.folder / "libllama.so").write_bytes(b"another")
    make(trials).choose()
    assert len(trials.seen) == 6


def test_a_fetched_library_that_was_damaged_is_fetched_again_and_that_is_told(
    make: Callable[..., Setup], tmp_path: Path
):
    said: list[str] = []
    make(Trials()).choose()
    package = package_for("cpu")
    assert package
    place = package.library(tmp_path).folder
    (place / "sha256.json").write_text(json.dumps({"libllama.so": hashlib.sha256(b"libllama.so").hexdigest()}))
    make(Trials(), said).choose()
    assert said == [], "what is whole stays"
    (place / "libllama.so").write_bytes(b"lib")
    with pytest.raises(LibraryError, match="there is no registry"):
        make(Trials(), said).choose()
    assert "was damaged on the disk, and is fetched again" in said[0]
    assert not place.exists()


def test_damaged_verdicts_are_found_anew(make: Callable[..., Setup], tmp_path: Path):
    (tmp_path / "trials.json").write_text("[1")
    trials = Trials()
    make(trials).choose()
    assert len(trials.seen) == 1
    make(trials).choose()
    assert len(trials.seen) == 1


def test_a_folder_in_the_environment_is_the_only_one(make: Callable[..., Setup], tmp_path: Path):
    named = folder(tmp_path / "named")
    trials = Trials()
    assert make(trials, **{VARIABLE: str(named)}).choose().folder == named
    failing = Trials({("", True): Verdict("refused", refused=True)})
    with pytest.raises(LibraryError):
        make(failing, **{VARIABLE: str(named)}).choose(anew=True)
    assert {library.folder for library in failing.seen} == {named}


def test_compiling_is_the_last_way(make: Callable[..., Setup], tmp_path: Path):
    trials = Trials({("", True): Verdict("is another version's", refused=True)})

    def compile_it(directory: Path, _report: Report) -> Library:
        trials.failing.clear()
        return Library(folder(directory / "compiled"), "the library compiled here")

    assert replace(make(trials), compile=compile_it).choose().folder == tmp_path / "compiled"


def test_what_the_bindings_brought_comes_first(make: Callable[..., Setup], tmp_path: Path):
    brought = folder(tmp_path / "brought")
    assert replace(make(Trials()), brought=brought).choose().folder == brought


def test_a_backend_that_was_asked_for_is_remembered_until_another_is(make: Callable[..., Setup], tmp_path: Path):
    mine = folder(tmp_path / "mine")
    make(Trials()).ask_for(str(mine))
    assert make(Trials()).choose().folder == mine
    make(Trials()).ask_for(None)
    assert make(Trials()).choose().folder != mine


@pytest.mark.parametrize("nonsense", ["gpu", "/nowhere/at/all"])
def test_a_backend_that_is_none_is_a_wrong_request(make: Callable[..., Setup], nonsense: str):
    with pytest.raises(UsageError):
        make(Trials()).ask_for(nonsense)


def test_an_archive_that_is_no_package_of_ours_is_refused(make: Callable[..., Setup], tmp_path: Path):
    archive = tmp_path / "some.tgz"
    archive.write_bytes(b"<html>not found</html>")
    make(Trials()).ask_for(str(archive))
    with pytest.raises(LibraryError, match="is none of @node-llama-cpp"):
        make(Trials()).choose()


def test_looking_fetches_and_writes_nothing(tmp_path: Path):
    setup = Setup(tmp_path / "new", attempt=Trials(), environment={}, brought=tmp_path)
    with pytest.raises(NoLibraryError):
        replace(setup, brought=tmp_path / "none").look()
    assert not (tmp_path / "new").exists()


@builds.x86_64
def test_a_build_that_dies_of_an_illegal_instruction_is_replaced(tmp_path: Path):
    """The real thing: children that die, and one that decodes."""
    best = attempt(library()).variant
    named = builds.that_dies(tmp_path / "llama", best).folder
    said: list[str] = []
    chosen = Setup(tmp_path, notice=said.append, environment={VARIABLE: str(named)}).choose()
    assert chosen.variant in {"haswell", "x64"} - {best}
    [line] = said
    assert f"(built for {best}) died of SIGILL" in line
