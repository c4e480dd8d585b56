"""Walls of the sandbox that the kernel does not grant: said once, or refused."""

from pathlib import Path

from tests.cli.fakes import FakeEngine, run_program

LACKING = {"no_new_privs": True, "no_files": False, "network_namespace": False}
ASK = ("run", "How many?", "records")


def test_what_is_missing_is_said_once(tmp_path: Path) -> None:
    for number in range(3):
        done = run_program(ASK, FakeEngine(), tmp_path / "home", protections=LACKING)
        assert done.exit_code == 0
        assert ("does not grant the sandbox no files, network namespace" in done.stderr) is (number == 0)


def test_where_all_are_there_nothing_is_said(tmp_path: Path) -> None:
    done = run_program((*ASK, "--require-walls"), FakeEngine(), tmp_path / "home", protections={"no_files": True})
    assert done.exit_code == 0
    assert "sandbox" not in done.stderr


def test_where_all_are_required_nothing_is_asked_without_them(tmp_path: Path) -> None:
    engine = FakeEngine()
    run_program(ASK, FakeEngine(), tmp_path / "home", protections=LACKING)
    for arguments in ((*ASK, "--require-walls"), ("serve", "--require-walls", "--model", "smollm2-135m")):
        done = run_program(arguments, engine, tmp_path / "home", protections=LACKING)
        assert done.exit_code == 2
        assert "no files, network namespace" in done.stderr
