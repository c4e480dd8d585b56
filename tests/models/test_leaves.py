from pathlib import Path

from rlm_local.models.leaves import LeafCache


def test_answers_are_there_at_the_next_start_and_only_for_the_same_call(tmp_path: Path):
    cache = LeafCache(tmp_path / "leaves", b"weights")
    key = cache.key(["choose", "a", "b"], b"", b"tokens")
    cache.put({key: [0.5, 1.5]})
    cache.close()
    cache = LeafCache(tmp_path / "leaves", b"weights")
    others = [
        cache.key(["choose", "ab"], b"", b"tokens"),
        cache.key(["choose", "a", "b"], b"adapter", b"tokens"),
        cache.key(["choose", "a", "b"], b"", b"token"),
        LeafCache(tmp_path / "leaves", b"other weights").key(["choose", "a", "b"], b"", b"tokens"),
    ]
    assert cache.get([*others, key]) == {key: [0.5, 1.5]}
    cache.close()


def test_many_keys_at_once(tmp_path: Path):
    cache = LeafCache(tmp_path / "leaves", b"")
    answers = {cache.key([number], b"", b""): number for number in range(1200)}
    cache.put(answers)
    assert cache.get(list(answers)) == answers
    cache.close()


def test_it_does_not_grow_for_ever_and_keeps_what_was_used_last(tmp_path: Path):
    cache = LeafCache(tmp_path / "leaves", b"", most_bytes=64 << 10)
    for number in range(400):
        cache.put({cache.key([number], b"", b""): "x" * 500})
    found = [number for number in range(400) if cache.get([cache.key([number], b"", b"")])]
    assert 20 < len(found) < 200
    assert found[-1] == 399
    assert (tmp_path / "leaves").stat().st_size <= 64 << 10
    cache.close()


def test_a_damaged_file_is_made_anew(tmp_path: Path):
    (tmp_path / "leaves").write_bytes(b"no database" * 1000)
    cache = LeafCache(tmp_path / "leaves", b"")
    cache.put({b"key": 1})
    assert cache.get([b"key"]) == {b"key": 1}
    cache.close()


def test_a_file_that_cannot_be_made_costs_only_the_next_start(tmp_path: Path):
    cache = LeafCache(tmp_path / "nowhere" / "leaves", b"")
    cache.put({b"key": 1})
    assert cache.get([b"key"]) == {b"key": 1}
    cache.close()


def test_two_programs_share_a_file(tmp_path: Path):
    one, other = LeafCache(tmp_path / "leaves", b""), LeafCache(tmp_path / "leaves", b"")
    one.put({b"a": 1})
    other.put({b"b": 2})
    assert one.get([b"a", b"b"]) == other.get([b"a", b"b"]) == {b"a": 1, b"b": 2}
    one.close()
    other.close()
