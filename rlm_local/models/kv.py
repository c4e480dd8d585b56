"""KV: which sequence holds which cells, what they share, and who may come in.

llama.cpp's unified KV memory has a fixed number of cells, one a token; a cell belongs to every sequence that shares
its prefix. This is the same book kept on our side, so that a decode never finds the memory full: a sequence is
admitted only when cells for its whole prompt and its whole reply are free or can be freed.

The sequences are a prefix tree without nodes: a new one shares the longest prefix that any of them holds, so what many
prompts begin with (worked examples, then a question, then a document) is held and evaluated once on every level.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]

WORTH_KEEPING = 64  # tokens; below that a finished sequence costs less to evaluate again than to carry along


class Memory(Protocol):
    """The part of a llama.cpp context that the book-keeping drives."""

    def copy(self, source: int, target: int, length: int) -> None: ...
    def remove(self, sequence: int, start: int = 0) -> None: ...


class Sequence:
    """Tokens in the KV, and tokens that are to come.

    Attributes:
        id: the sequence's number in llama.cpp.
        tokens: room for all tokens it may ever have; the first `known` are set, the first `length` are in the KV.
        shared: tokens whose cells came from another sequence.
        space: what its KV depends on beside the tokens: the adapters. Nothing is shared between spaces.
        active: whether a task is running on it; an idle one is a cache.
        lasting: how many of its first tokens are of use to others once its call is done.
        kept: whether it stays however short its own part is, until room is needed.
    """

    def __init__(
        self,
        number: int,
        tokens: Tokens,
        known: int,
        cells: NDArray[np.int32],
        *,
        space: bytes,
        lasting: int,
        kept: bool,
    ) -> None:
        self.id = number
        self.space = space
        self.tokens = tokens
        self.known = known
        self.cells = cells
        self.length = self.shared = len(cells)
        self.active = True
        self.lasting = lasting
        self.kept = kept
        self.used = 0

    @property
    def pending(self) -> Tokens:
        """Tokens that are known and not in the KV yet."""
        return self.tokens[self.length : self.known]

    @property
    def promised(self) -> int:
        """Cells that are set aside for it and not taken yet."""
        return len(self.tokens) - self.length if self.active else 0

    def push(self, token: int) -> None:
        """Append a token to evaluate next."""
        self.tokens[self.known] = token
        self.known += 1


class KV:
    """The cells of one context.

    Args:
        cells: how many there are.
        sequences: the most sequences that may hold any.
    """

    def __init__(self, memory: Memory, *, cells: int, sequences: int) -> None:
        self._memory = memory
        self._owners = np.zeros(cells, np.int32)
        self._numbers = list(range(sequences))
        self._most_idle = sequences // 2
        self._clock = 0
        self.sequences: list[Sequence] = []

    @property
    def free(self) -> int:
        """Cells that nobody holds and nobody was promised."""
        return int(np.count_nonzero(self._owners == 0)) - sum(s.promised for s in self.sequences)

    def match(self, tokens: Tokens, *, space: bytes = b"") -> tuple[Sequence | None, int]:
        """The sequence whose KV has the longest prefix of `tokens`, the latest of equals, and how long it is."""
        best, longest = None, 0
        for sequence in self.sequences:
            if sequence.space != space:
                continue
            length = common_prefix(sequence.tokens[: sequence.length], tokens)
            if length > longest or (best is not None and length == longest and sequence.used > best.used):
                best, longest = sequence, length
        return best, longest

    def coming(self, tokens: Tokens, *, space: bytes = b"") -> int:
        """The longest prefix of `tokens` that is or will be in the KV once the active prompts are evaluated."""
        active = (s for s in self.sequences if s.active and s.space == space)
        return max((common_prefix(s.tokens[: s.known], tokens) for s in active), default=0)

    def admit(
        self,
        tokens: Tokens,
        *,
        room: int,
        space: bytes = b"",
        lasting: int = 0,
        kept: bool = False,
        sparing: bool = False,
    ) -> Sequence | None:
        """A new active sequence for a prompt, sharing the longest prefix at hand.

        The last token is never shared: it must be evaluated for its logits. Idle sequences give way, the longest
        unused first.

        Args:
            room: tokens that may follow the prompt.
            sparing: whether idle sequences that are kept need not give way.

        Returns:
            The sequence, or None when the active ones leave no room for it now.
        """
        source, length = self.match(tokens[:-1], space=space)
        cells = source.cells[:length] if source is not None else np.empty(0, np.int32)
        idle = self._idle(sparing=sparing)
        if not self._fits(idle, source, cells, len(tokens) + room - length):
            return None
        if source is not None:
            self.touch(source)  # so it goes last
        if not self._numbers:
            self._evict(idle, spare=source)
        tokens = np.concatenate([tokens, np.zeros(room, np.int32)])
        sequence = self._new(tokens, len(tokens) - room, cells, space=space, lasting=lasting, kept=kept)
        if source is not None:
            self._memory.copy(source.id, sequence.id, length)
        while self.free < 0:
            self._evict(idle)
        return sequence

    def reserve(self, tokens: Tokens, *, space: bytes = b"") -> Sequence | None:
        """A new active sequence for KV that comes from elsewhere; None when there is no room."""
        idle = self._idle()
        if not self._fits(idle, None, np.empty(0, np.int32), len(tokens)):
            return None
        if not self._numbers:
            self._evict(idle)
        none = np.empty(0, np.int32)
        sequence = self._new(tokens.copy(), len(tokens), none, space=space, lasting=len(tokens), kept=True)
        while self.free < 0:
            self._evict(idle)
        return sequence

    def grow(self, sequence: Sequence, count: int) -> None:
        """Take `count` promised cells: the next `count` pending tokens are in the KV."""
        cells = np.flatnonzero(self._owners == 0)[:count].astype(np.int32)
        assert len(cells) == count, "more cells taken than promised"  # noqa: S101
        self._owners[cells] += 1
        sequence.cells = np.concatenate([sequence.cells, cells])
        sequence.length += count

    def finish(self, sequence: Sequence) -> None:
        """Make a sequence idle: what it holds stays as a cache until room is needed."""
        sequence.active = False
        sequence.tokens = sequence.tokens[: sequence.length].copy()
        sequence.known = sequence.length
        self.touch(sequence)

    def drop(self, sequence: Sequence) -> None:
        """Remove a sequence and free what only it held."""
        self._memory.remove(sequence.id)
        self._owners[sequence.cells] -= 1
        self.sequences.remove(sequence)
        self._numbers.append(sequence.id)

    def clear(self) -> None:
        """Drop every sequence."""
        for sequence in list(self.sequences):
            self.drop(sequence)

    def trim(self) -> None:
        """Drop idle sequences that hold next to nothing of their own, and the longest unused ones while idle ones are
        more than half of the sequences, or hold more than half of the cells: a full memory makes every decode a third
        slower."""
        for sequence in sorted(self._idle(), key=lambda s: s.used):
            own = int(np.count_nonzero(self._owners[sequence.cells] == 1))
            if own < (1 if sequence.kept else WORTH_KEEPING):
                self.drop(sequence)
        idle = self._idle()
        while len(idle) > 1 and (len(idle) > self._most_idle or self._idle_cells() > len(self._owners) // 2):
            self._evict(idle)

    def settle(self) -> None:
        """Leave of idle sequences what lasts, once: the same call, made again, finds what it found before, has batches
        of the same shape, and so the same numbers."""
        for sequence in self._idle():
            if not sequence.kept and sequence.lasting < sequence.length:
                self._cut(sequence, sequence.lasting)

    def touch(self, sequence: Sequence) -> None:
        """Mark as used just now."""
        self._clock += 1
        sequence.used = self._clock

    def _new(
        self, tokens: Tokens, known: int, cells: NDArray[np.int32], *, space: bytes, lasting: int, kept: bool
    ) -> Sequence:
        number = self._numbers.pop()
        sequence = Sequence(number, tokens, known, cells.copy(), space=space, lasting=lasting, kept=kept)
        self._owners[cells] += 1
        self.sequences.append(sequence)
        self.touch(sequence)
        return sequence

    def _cut(self, sequence: Sequence, length: int) -> None:
        """Shorten an idle sequence, or drop it where others hold all that is left."""
        if np.all(self._owners[sequence.cells[:length]] > 1):
            self.drop(sequence)
            return
        self._memory.remove(sequence.id, length)
        self._owners[sequence.cells[length:]] -= 1
        sequence.tokens, sequence.cells = sequence.tokens[:length], sequence.cells[:length]
        sequence.length = sequence.known = length

    def _fits(self, idle: list[Sequence], source: Sequence | None, shared: NDArray[np.int32], count: int) -> bool:
        """Whether `count` cells beside the `shared` ones of `source` could be had if all of `idle` went."""
        held = self._held_by([s for s in self.sequences if s not in idle])
        held[shared] = True
        taken = int(np.count_nonzero(held)) + sum(s.promised for s in self.sequences)
        numbers = bool(self._numbers) or any(s is not source for s in idle)
        return numbers and taken + count <= len(held)

    def _idle(self, *, sparing: bool = False) -> list[Sequence]:
        """The sequences that may be evicted."""
        return [s for s in self.sequences if not s.active and not (sparing and s.kept)]

    def _held_by(self, sequences: list[Sequence]) -> NDArray[np.bool_]:
        held = np.zeros(len(self._owners), np.bool_)
        for sequence in sequences:
            held[sequence.cells] = True
        return held

    def _idle_cells(self) -> int:
        held = self._held_by([s for s in self.sequences if s.active])
        return int(np.count_nonzero((self._owners > 0) & ~held))

    def _evict(self, idle: list[Sequence], *, spare: Sequence | None = None) -> None:
        """Drop the longest unused one of `idle`."""
        sequence = min((s for s in idle if s is not spare), key=lambda s: s.used)
        idle.remove(sequence)
        self.drop(sequence)


def common_prefix(first: Tokens, second: Tokens) -> int:
    """How many leading tokens are the same."""
    length = min(len(first), len(second))
    differing = np.flatnonzero(first[:length] != second[:length])
    return int(differing[0]) if len(differing) else length
