import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from rlm_local.models.kv import KV, WORTH_KEEPING, Sequence, common_prefix

CELLS, SEQUENCES = 40, 6

prompts = st.lists(st.integers(0, 2), min_size=1, max_size=24)


class FakeMemory:
    """llama.cpp's side of it: cells of sequences, shared by copy, full when there are more than it has."""

    def __init__(self, cells: int) -> None:
        self.room = cells
        self.cells: dict[int, list[object]] = {}
        self.copied: list[tuple[int, int]] = []

    def evaluate(self, sequence: int, count: int) -> None:
        self.cells.setdefault(sequence, []).extend(object() for _ in range(count))
        assert self.used <= self.room, "the decode found the memory full"

    def copy(self, source: int, target: int, length: int) -> None:
        assert not self.cells.get(target)
        self.cells[target] = self.cells[source][:length]
        self.copied.append((source, target))

    def remove(self, sequence: int, start: int = 0) -> None:
        self.cells[sequence] = self.cells.get(sequence, [])[:start]

    @property
    def used(self) -> int:
        return len({cell for cells in self.cells.values() for cell in cells})


def new(cells: int = CELLS, sequences: int = SEQUENCES) -> tuple[KV, FakeMemory]:
    memory = FakeMemory(cells)
    return KV(memory, cells=cells, sequences=sequences), memory


def ids(*tokens: int) -> np.ndarray:
    return np.array(tokens, np.int32)


def evaluate(kv: KV, memory: FakeMemory, sequence: Sequence) -> None:
    count = len(sequence.pending)
    memory.evaluate(sequence.id, count)
    kv.grow(sequence, count)


class Accounting(RuleBasedStateMachine):
    """Whatever comes, goes and is cancelled: no decode finds the memory full, and no cell is lost."""

    active = Bundle("active")

    def __init__(self) -> None:
        super().__init__()
        self.kv, self.memory = new()
        self.running: list[Sequence] = []
        self.spaces: dict[int, bytes] = {}

    @rule(
        target=active,
        prompt=prompts,
        room=st.integers(0, 12),
        space=st.sampled_from([b"", b"adapter"]),
        lasting=st.integers(0, 24),
        kept=st.booleans(),
        sparing=st.booleans(),
    )
    def admit(
        self, prompt: list[int], room: int, space: bytes, lasting: int, kept: bool, sparing: bool
    ) -> Sequence | None:
        before = [sequence for sequence in self.kv.sequences if sequence.kept]
        sequence = self.kv.admit(ids(*prompt), room=room, space=space, lasting=lasting, kept=kept, sparing=sparing)
        assert not sparing or all(each in self.kv.sequences for each in before), "what is kept is spared"
        if sequence is None:
            assert self.running or sparing, "an empty engine must take whatever fits its memory"
            return None
        self.running.append(sequence)
        for source, target in self.memory.copied:
            assert self.spaces[source] == (space if target == sequence.id else None), "KV of another space"
        self.memory.copied.clear()
        self.spaces[sequence.id] = space
        assert sequence.length < len(prompt), "the last token must be evaluated"
        assert sequence.tokens[: len(prompt)].tolist() == prompt
        return sequence

    @rule(target=active, prompt=prompts)
    def reserve(self, prompt: list[int]) -> Sequence | None:
        sequence = self.kv.reserve(ids(*prompt))
        if sequence is not None:
            self.running.append(sequence)
            self.spaces[sequence.id] = b""
        return sequence

    @rule(sequence=active, count=st.integers(1, 8))
    def evaluate(self, sequence: Sequence | None, count: int) -> None:
        if sequence in self.running:
            count = min(count, len(sequence.pending))
            self.memory.evaluate(sequence.id, count)
            self.kv.grow(sequence, count)

    @rule(sequence=active, token=st.integers(0, 2))
    def write(self, sequence: Sequence | None, token: int) -> None:
        if sequence in self.running and sequence.known < len(sequence.tokens):
            sequence.push(token)

    @rule(sequence=consumes(active))
    def finish(self, sequence: Sequence | None) -> None:
        if sequence in self.running:
            self.running.remove(sequence)
            self.kv.finish(sequence)

    @rule(sequence=consumes(active))
    def drop(self, sequence: Sequence | None) -> None:
        if sequence in self.running:
            self.running.remove(sequence)
            self.kv.drop(sequence)

    @rule()
    def trim(self) -> None:
        self.kv.trim()

    @rule()
    def settle(self) -> None:
        self.kv.settle()

    @invariant()
    def nothing_is_overdrawn(self) -> None:
        assert self.kv.free >= 0
        assert len(self.kv.sequences) <= SEQUENCES

    @invariant()
    def both_books_agree(self) -> None:
        promised = sum(sequence.promised for sequence in self.kv.sequences)
        assert self.kv.free == CELLS - self.memory.used - promised
        for sequence in self.kv.sequences:
            assert len(self.memory.cells.get(sequence.id, [])) == sequence.length

    @invariant()
    def nobody_active_was_evicted(self) -> None:
        assert all(sequence in self.kv.sequences for sequence in self.running)

    def teardown(self) -> None:
        for sequence in self.running:
            self.kv.finish(sequence)
        self.kv.clear()
        assert self.kv.free == CELLS
        assert self.memory.used == 0


Accounting.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAccounting = Accounting.TestCase


def test_the_longest_prefix_is_shared_and_the_last_token_is_not():
    kv, memory = new()
    first = kv.admit(ids(1, 2, 3, 4), room=0)
    assert first is not None
    evaluate(kv, memory, first)
    kv.finish(first)
    again = kv.admit(ids(1, 2, 3, 4), room=0)
    assert again is not None
    assert again.shared == 3
    assert kv.free == CELLS - 5


def test_a_prefix_that_is_being_evaluated_is_announced():
    kv, _ = new()
    kv.admit(ids(1, 2, 3, 4, 5), room=0)
    assert kv.match(ids(1, 2, 3, 9))[1] == 0
    assert kv.coming(ids(1, 2, 3, 9)) == 3


def test_the_longest_unused_sequence_gives_way():
    kv, memory = new(cells=10)
    for token in (1, 2):
        sequence = kv.admit(ids(token, token, token, token), room=0)
        assert sequence is not None
        evaluate(kv, memory, sequence)
        kv.finish(sequence)
    newer = kv.sequences[1]
    assert kv.admit(ids(3, 3, 3, 3), room=0) is not None
    assert newer in kv.sequences
    assert kv.match(ids(1, 1))[1] == 0


def test_trimming_drops_what_is_short_and_keeps_what_is_long_or_wanted():
    kv, memory = new(cells=400)
    long, short = list(range(WORTH_KEEPING)), list(range(1000, 1000 + WORTH_KEEPING - 1))
    for tokens, kept in ((long, False), (short, False), ([7, 7], True)):
        sequence = kv.admit(ids(*tokens), room=0, kept=kept)
        assert sequence is not None
        evaluate(kv, memory, sequence)
        kv.finish(sequence)
    kv.trim()
    assert sorted(sequence.length for sequence in kv.sequences) == [2, WORTH_KEEPING]


def test_a_sparing_admission_leaves_what_is_kept():
    kv, memory = new(cells=10)
    for token, kept in ((1, True), (2, False)):
        sequence = kv.admit(ids(token, token, token, token), room=0, kept=kept)
        assert sequence is not None
        evaluate(kv, memory, sequence)
        kv.finish(sequence)
    assert kv.admit(ids(*[3] * 7), room=0, sparing=True) is None
    assert kv.admit(ids(*[3] * 6), room=0, sparing=True) is not None
    assert [sequence.tokens[0] for sequence in kv.sequences] == [1, 3]


def test_trimming_leaves_half_of_the_memory_to_those_that_run():
    kv, memory = new(cells=4 * WORTH_KEEPING)
    for token in range(3):
        sequence = kv.admit(ids(*[token] * (WORTH_KEEPING + 1)), room=0)
        assert sequence is not None
        evaluate(kv, memory, sequence)
        kv.finish(sequence)
    kv.trim()
    assert [sequence.tokens[0] for sequence in kv.sequences] == [2]


def test_the_last_conversation_is_kept_however_long():
    kv, memory = new()
    sequence = kv.admit(ids(*range(CELLS)), room=0, kept=True)
    assert sequence is not None
    evaluate(kv, memory, sequence)
    kv.finish(sequence)
    kv.trim()
    assert kv.sequences == [sequence]


def test_trimming_leaves_one_owner_of_what_many_share():
    kv, memory = new(cells=400)
    prefix = list(range(WORTH_KEEPING + 10))
    for tail in range(5):
        sequence = kv.admit(ids(*prefix, 500 + tail), room=0)
        assert sequence is not None
        evaluate(kv, memory, sequence)
        kv.finish(sequence)
    kv.trim()
    assert len(kv.sequences) == 1
    assert kv.match(ids(*prefix))[1] == len(prefix)


def test_what_a_call_shared_lasts_and_the_rest_goes():
    kv, memory = new(cells=100)
    for tail in range(3):
        sequence = kv.admit(ids(1, 2, 3, 10 + tail), room=0, lasting=3)
        assert sequence is not None
        evaluate(kv, memory, sequence)
        kv.finish(sequence)
    kv.settle()
    assert [sequence.length for sequence in kv.sequences] == [3]
    assert kv.match(ids(1, 2, 3, 12))[1] == 3
    assert memory.used == 3


def test_common_prefix():
    assert common_prefix(ids(1, 2, 3), ids(1, 2, 4)) == 2
    assert common_prefix(ids(1, 2), ids(1, 2, 3)) == 2
    assert common_prefix(ids(), ids(1)) == 0
