import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from rlm_local.models.native import Library, library
from rlm_local.models.native.trial import EXPECTED, attempt
from tests.models.native import builds


def says(*lines: dict[str, object], status: int = 0, stderr: str = ""):
    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, status, "".join(f"{json.dumps(line)}\n" for line in lines), stderr)

    return run


LIBRARY = Library(Path("/nowhere"), "a library")


def test_the_right_library_works():
    verdict = attempt(library())
    assert verdict.works, verdict.reason
    assert not library().variants or verdict.variant in library().variants


@builds.x86_64
def test_a_signal_is_named_and_the_variant_that_died(tmp_path: Path):
    best = attempt(library()).variant
    verdict = attempt(builds.that_dies(tmp_path / "llama", best))
    assert (verdict.reason, verdict.variant) == ("died of SIGILL", best)
    assert not verdict.refused, "another variant may work"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _data: b"<html>", "file too short"),
        (lambda data: b"#!/bin/sh\n" * 1000, "invalid ELF header"),
        (lambda data: data[:18] + b"\xb7" + data[19:], "cannot be loaded"),
    ],
    ids=["no library", "a script", "another architecture"],
)
def test_what_is_no_library_for_this_machine_is_refused(tmp_path: Path, change, said: str):
    right = library().file.read_bytes()
    verdict = attempt(builds.with_file(tmp_path / "llama", change(right)))
    assert verdict.refused
    assert said in verdict.reason
    assert str(tmp_path) in verdict.reason


def test_a_library_that_is_cut_short_ends_the_child_alone(tmp_path: Path):
    right = library().file.read_bytes()
    verdict = attempt(builds.with_file(tmp_path / "llama", right[: len(right) // 2]))
    assert not verdict.works
    assert verdict.reason == "died of SIGBUS" or str(tmp_path) in verdict.reason


@builds.x86_64
def test_a_library_of_another_version_is_refused_by_name(tmp_path: Path):
    verdict = attempt(builds.of_another_version(tmp_path / "llama"))
    assert verdict.refused
    assert "is not the llama.cpp of llama-cpp-python" in verdict.reason
    assert "llama_context_default_params" in verdict.reason


def test_a_library_without_the_functions_is_refused(tmp_path: Path):
    folder = tmp_path / "llama"
    right = library().folder / "libggml-base.so"
    verdict = attempt(builds.with_file(folder, right.read_bytes()))
    assert verdict.refused
    assert "of another version" in verdict.reason


def test_a_folder_without_a_library_is_refused(tmp_path: Path):
    verdict = attempt(Library(tmp_path, "a folder"))
    assert verdict.refused
    assert f"there is no libllama.so in {tmp_path}" in verdict.reason


def test_wrong_logits_are_seen():
    wrong = [[value + 0.5 for value in row] for row in EXPECTED]
    verdict = attempt(LIBRARY, says({"variant": "x64"}, {"devices": 0}, {"logits": wrong}))
    assert verdict.reason == "computes wrongly: a logit is 0.5 off"
    assert verdict.variant == "x64"


def test_logits_that_are_no_numbers_are_wrong():
    verdict = attempt(LIBRARY, says({"logits": [[float("nan")] * len(row) for row in EXPECTED]}))
    assert verdict.reason.startswith("computes wrongly")


def test_a_build_for_a_device_that_finds_none_is_refused():
    run = says({"devices": 0}, {"logits": EXPECTED})
    assert attempt(LIBRARY, run).works
    assert attempt(Library(Path("/nowhere"), "a library", for_device=True), run).reason == "finds no device here"


def test_a_child_that_ends_otherwise_is_quoted():
    verdict = attempt(LIBRARY, says(status=1, stderr="Traceback\nMemoryError"))
    assert verdict.reason == "ended with status 1: MemoryError"


def test_a_child_that_hangs_is_given_up():
    def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        raise subprocess.TimeoutExpired(command, 1)

    assert attempt(LIBRARY, run).reason.startswith("did not end within")
