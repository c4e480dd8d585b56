"""What the guest's file system is made of: directories, files, links and devices."""

import os
import stat
from collections.abc import Callable

from rlm_sandbox.syserr import Errno, SysError

_BLOCK = 1 << 16  # bytes of a mounted file that are read at once: a few take little longer
_MOST_BLOCKS = 16


class Node:
    """What a directory entry names. Times are seconds since the epoch.

    `fixed` is what the host has put there and relies on: the guest cannot remove or rename it.
    """

    kind: int = 0

    def __init__(self, inode: int, mode: int, now: float, *, fixed: bool = False) -> None:
        self.inode = inode
        self.mode = self.kind | mode & 0o777
        self.accessed = self.modified = self.changed = now
        self.fixed = fixed
        self.parents = 0
        self.opened = 0

    @property
    def size(self) -> int:
        return 0

    @property
    def charged(self) -> int:
        """Bytes that the guest pays for, out of what all its files may hold."""
        return 0


class Directory(Node):
    kind = stat.S_IFDIR

    def __init__(self, inode: int, mode: int, now: float, *, fixed: bool = False) -> None:
        super().__init__(inode, mode, now, fixed=fixed)
        self.entries: dict[str, Node] = {}

    @property
    def size(self) -> int:
        return 4096


class File(Node):
    """Bytes of a read-only file are shared with the host; a bytearray belongs to the guest and is accounted."""

    kind = stat.S_IFREG

    def __init__(self, inode: int, mode: int, now: float, data: bytes | bytearray, *, fixed: bool = False) -> None:
        super().__init__(inode, mode, now, fixed=fixed)
        self.data = data

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def charged(self) -> int:
        return len(self.data) if isinstance(self.data, bytearray) else 0

    def read(self, start: int, window: memoryview) -> int:
        """Fill the window with what stands from `start` on, as far as that goes; how many bytes those are."""
        with memoryview(self.data)[start : start + len(window)] as data:  # while it lives, the file keeps its size
            window[: len(data)] = data
            return len(data)


class Mounted(File):
    """A file of the host, of which nothing is here but what is being read: so it may be larger than any memory.

    Args:
        descriptor: open for reading; the node's own, for as long as the process lives. It is read at offsets alone: the
            forks of a process share a descriptor's position.
        size: what it has when it is mounted. The guest never sees more; where less comes, it is an error.
    """

    def __init__(self, inode: int, now: float, descriptor: int, size: int) -> None:
        super().__init__(inode, 0o444, now, b"", fixed=True)
        self._descriptor, self._size = descriptor, size
        self._blocks: dict[int, bytes] = {}
        """The latest, by their number. Who reads a little will read what comes after."""

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, window: memoryview) -> int:
        size = min(len(window), max(0, self._size - start))
        done = 0
        while done < size:
            number, inside = divmod(start + done, _BLOCK)
            piece = (self._blocks.get(number) or self._load(number))[inside : inside + size - done]
            if not piece:  # somebody has shortened it
                raise SysError(Errno.EIO)
            window[done : done + len(piece)] = piece
            done += len(piece)
        return done

    def _load(self, number: int) -> bytes:
        if len(self._blocks) == _MOST_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        try:
            block = self._blocks[number] = os.pread(self._descriptor, _BLOCK, number * _BLOCK)
        except OSError:  # the disk is at its end
            raise SysError(Errno.EIO) from None
        return block


class Link(Node):
    kind = stat.S_IFLNK

    def __init__(self, inode: int, now: float, target: str) -> None:
        super().__init__(inode, 0o777, now)
        self.target = target

    @property
    def size(self) -> int:
        return len(self.target.encode("utf-8", "surrogateescape"))

    @property
    def charged(self) -> int:
        return self.size


class Device(Node):
    """A character device: reads are empty, writes go to `sink`."""

    kind = stat.S_IFCHR

    def __init__(self, inode: int, now: float, sink: Callable[[memoryview], None]) -> None:
        super().__init__(inode, 0o666, now, fixed=True)
        self.sink = sink
