import os
import time
from pathlib import Path

import numpy as np

from rlm_local.models.shelf import Shelf, identify
from rlm_local.models.verified import remember

TOKENS = np.array([1, 2, 3], np.int32)


def test_what_is_put_on_it_is_there_at_the_next_start(tmp_path: Path):
    Shelf(tmp_path / "kv", b"weights").save(TOKENS, b"state")
    assert Shelf(tmp_path / "kv", b"weights").load(TOKENS) == b"state"


def test_other_tokens_or_other_weights_are_not_there(tmp_path: Path):
    Shelf(tmp_path, b"weights").save(TOKENS, b"state")
    assert Shelf(tmp_path, b"weights").load(TOKENS[:2]) is None
    assert Shelf(tmp_path, b"others").load(TOKENS) is None


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path):
    shelf = Shelf(tmp_path, b"weights")
    shelf.save(TOKENS, b"state")
    [path] = tmp_path.iterdir()
    for damage in (b"", path.read_bytes()[:-1], path.read_bytes()[:-1] + b"!"):
        path.write_bytes(damage)
        assert shelf.load(TOKENS) is None


def test_it_does_not_grow_for_ever(tmp_path: Path):
    size = len(b"state") + 4  # with its checksum
    shelf = Shelf(tmp_path, b"weights", most_bytes=16 * size)
    for number in range(40):
        shelf.save(np.array([number], np.int32), b"state")
    assert len(list(tmp_path.iterdir())) == 16
    Shelf(tmp_path, b"weights", most_bytes=1).save(np.array([99], np.int32), b"state")
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_process_left_half_saved_goes(tmp_path: Path):
    for name, age in (("old.tmp", 7200), ("new.tmp", 60)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    Shelf(tmp_path, b"weights").save(TOKENS, b"state")
    assert [path.name for path in tmp_path.glob("*.tmp")] == ["new.tmp"]


def test_a_directory_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    shelf = Shelf(tmp_path / "file", b"weights")
    shelf.save(TOKENS, b"state")
    assert shelf.load(TOKENS) is None


def test_weights_are_told_apart_by_their_hash_where_it_is_known(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    identities = set[bytes]()
    for path in (one, other):
        path.write_bytes(b"the same")
        remember(path, "a1" * 32)
        identities.add(identify(path, "1.0"))
    assert len(identities) == 1
    remember(other, "b2" * 32)
    identities |= {identify(other, "1.0"), identify(other, "1.1")}
    assert len(identities) == 3


def test_weights_that_were_written_anew_are_others(tmp_path: Path):
    path = tmp_path / "w"
    path.write_bytes(b"aaa")
    remember(path, "a1" * 32)
    identities = {identify(path, "1.0")}
    for content, moment in ((b"aab", 1), (b"aaa", 2)):
        path.write_bytes(content)
        os.utime(path, (moment, moment))
        identities.add(identify(path, "1.0"))
    assert len(identities) == 3
