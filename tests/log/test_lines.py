import os
import resource
from pathlib import Path

import pytest

from rlm_local.errors import StoreError, UsageError
from rlm_local.log.lines import LineFile


def test_lines_are_there_as_soon_as_they_are_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with LineFile(path) as file:
        file.append({"id": "é\ud800\n"})
        assert path.read_bytes() == b'{"id": "\\u00e9\\ud800\\n"}\n'
    with LineFile(path) as file:
        assert file.rows == [{"id": "é\ud800\n"}]
        file.append({"id": 2})
    assert path.read_text().count("\n") == 2
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_last_line_cut_anywhere_is_dropped(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jsonl"
    whole = b'{"id": 1}\n{"id": "x"}\n'
    path.write_bytes(whole[:-cut])
    with LineFile(path) as file:
        assert file.rows == [{"id": 1}]
        file.append({"id": "x"})
    assert path.read_bytes() == whole


def test_a_broken_line_before_the_last_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n[2]\n{"id"')
    with pytest.raises(UsageError, match="line 2 is not a JSON object"):
        LineFile(path)
    assert path.read_text() == '{"id": 1}\n[2]\n{"id"'


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with LineFile(tmp_path / "a.jsonl"), pytest.raises(UsageError, match="another process"):
        LineFile(tmp_path / "a.jsonl")
    LineFile(tmp_path / "a.jsonl").__exit__(None, None, None)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    child = os.fork()
    if child == 0:
        status = 1
        with LineFile(path) as file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
            file.append({"id": 1})
            try:
                file.append({"text": "x" * 100})
            except StoreError as error:
                status = 0 if "cannot grow" in str(error) else 2
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert path.read_text() == '{"id": 1}\n'
