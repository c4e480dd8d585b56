"""Patterns that are made to cost more than their length, or are none."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_local.collection.ignores import spec, verdict

ROOT = Path(__file__).parents[2]
HOSTILE = ["*a" * 12 + "*b", "**/x/" * 12 + "y", "*" * 900, "[!a]" * 200, "a/**/" * 100, "(a*)*b", "x" * 100_000]


@pytest.mark.parametrize("line", ["[z-a]", "\\", "[[:alpha:]]", "[", "!", "/", "***", "a\0b", "[]-a]", " \\ ", "!("])
def test_what_is_no_pattern_leaves_the_others_as_they_are(line: str) -> None:
    rules = spec(["*.tmp", line, "!keep.tmp"])
    assert verdict(rules, "a.tmp") is True
    assert verdict(rules, "keep.tmp") is False


def test_as_many_patterns_as_there_may_be_all_have_their_say() -> None:
    rules = spec(["*.first", "*.tmp", *(f"k{number}: a" for number in range(9_000)), "!keep.tmp"])
    assert verdict(rules, "k8999: a") is True
    assert verdict(rules, "a.first") is True
    assert verdict(rules, "keep.tmp") is False
    assert verdict(rules, "k") is None


def test_a_name_that_is_no_text_is_matched_all_the_same() -> None:
    assert verdict(spec(["caf*.txt"]), os.fsdecode(b"caf\xe9.txt")) is True
    assert verdict(spec(["*.tmp"]), os.fsdecode(b"caf\xe9.txt")) is None


def match_all() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rules = spec(HOSTILE)
    for name in ("a" * 250, "x/" * 1_000 + "z", "a/" * 1_000, "x" * 4_000):
        verdict(rules, name)


def test_no_pattern_costs_more_than_its_length_and_the_names() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", "from tests.collection.test_ignores import match_all; match_all()"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
