"""The state directory: of one owner."""

import os
from pathlib import Path

import pytest

from rlm_local.errors import HomeError
from rlm_local.home import Home


def test_directories_are_their_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "home/serve").mkdir(parents=True)
    (tmp_path / "home/serve").chmod(0o777)
    assert Home(tmp_path / "home").serve.stat().st_mode & 0o777 == 0o700


def test_a_directory_may_be_a_link_to_one_of_the_same_owner(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/models").symlink_to(tmp_path / "disk")
    assert Home(tmp_path / "home").models.is_dir()


@pytest.mark.parametrize("linked", [False, True])
def test_one_of_another_user_is_refused(tmp_path: Path, linked: bool) -> None:
    if os.geteuid():
        pytest.skip("only root can give a directory away")
    (tmp_path / "home").mkdir()
    theirs = tmp_path / ("theirs" if linked else "home/serve")
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    if linked:
        (tmp_path / "home/serve").symlink_to(theirs)
    with pytest.raises(HomeError, match="another user"):
        _ = Home(tmp_path / "home").serve
