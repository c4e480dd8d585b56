"""The guest's file system: a tree in the worker's memory, with nothing of the machine in it.

Text handed to the guest never passes through here; it is for the standard library's archive, for scratch files of
model-written code, and for stdout. What may be used is bounded (`FileSystem` arguments) and every failure is a
`SysError` with the number that Linux would give. Permission bits are kept and shown, not enforced: the guest is alone.
"""

import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from rlm_sandbox.syserr import Errno, SysError

O_ACCMODE, O_WRONLY, O_RDWR = 3, 1, 2
O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW = 0o100, 0o200, 0o1000, 0o2000, 0o200000, 0o400000

_LONGEST_NAME = 255
_MOST_LINKS = 20


class Node:
    """What a directory entry names. Times are seconds since the epoch."""

    kind: int = 0

    def __init__(self, inode: int, mode: int, now: float) -> None:
        self.inode = inode
        self.mode = self.kind | mode & 0o777
        self.accessed = self.modified = self.changed = now
        self.parents = 0
        self.opened = 0

    @property
    def size(self) -> int:
        return 0


class Directory(Node):
    kind = stat.S_IFDIR

    def __init__(self, inode: int, mode: int, now: float) -> None:
        super().__init__(inode, mode, now)
        self.entries: dict[str, Node] = {}

    @property
    def size(self) -> int:
        return 4096


class File(Node):
    """Bytes of a read-only file are shared between sessions; a bytearray belongs to the guest and is accounted."""

    kind = stat.S_IFREG

    def __init__(self, inode: int, mode: int, now: float, data: bytes | bytearray) -> None:
        super().__init__(inode, mode, now)
        self.data = data

    @property
    def size(self) -> int:
        return len(self.data)


class Link(Node):
    kind = stat.S_IFLNK

    def __init__(self, inode: int, now: float, target: str) -> None:
        super().__init__(inode, 0o777, now)
        self.target = target

    @property
    def size(self) -> int:
        return len(self.target.encode("utf-8", "surrogateescape"))


class Device(Node):
    """A character device: reads are empty, writes go to `sink`."""

    kind = stat.S_IFCHR

    def __init__(self, inode: int, now: float, sink: Callable[[memoryview], None]) -> None:
        super().__init__(inode, 0o666, now)
        self.sink = sink


@dataclass(eq=False, slots=True)
class OpenFile:
    """An open file description: descriptors made by dup share it."""

    node: Node
    flags: int
    path: str
    position: int = 0
    descriptors: int = 0
    listing: list[tuple[str, Node]] = field(default_factory=list[tuple[str, Node]])

    @property
    def readable(self) -> bool:
        return self.flags & O_ACCMODE != O_WRONLY

    @property
    def writable(self) -> bool:
        return self.flags & O_ACCMODE in (O_WRONLY, O_RDWR)


@dataclass(slots=True)
class _Found:
    parent: Directory
    name: str
    node: Node | None
    path: str


def _path(trail: list[tuple[str, Directory]]) -> str:
    return "/".join(name for name, _ in trail)


def _checked_name(name: str) -> str:
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        raise SysError(Errno.ENAMETOOLONG)
    return name


def _check_replaceable(old: Node, new: Node) -> None:
    """What rename(2) asks of an entry that gives way to another."""
    if not isinstance(old, Directory):
        if isinstance(new, Directory):
            raise SysError(Errno.ENOTDIR)
    elif not isinstance(new, Directory):
        raise SysError(Errno.EISDIR)
    elif old.entries:
        raise SysError(Errno.ENOTEMPTY)


class FileSystem:
    """`used` is the bytes of all files the guest has written and can still reach, by a name or by a descriptor."""

    def __init__(
        self, clock: Callable[[], float], *, most_bytes: int, most_nodes: int = 20_000, most_descriptors: int = 256
    ) -> None:
        self.clock = clock
        self.most_bytes, self.most_nodes, self.most_descriptors = most_bytes, most_nodes, most_descriptors
        self.used = 0
        self.nodes = 1
        self._last_inode = 1
        self.root = Directory(1, 0o755, clock())
        self.root.parents = 1
        self.working_directory = "/"
        self.descriptors: dict[int, OpenFile] = {}

    # Paths

    def _find(self, path: str, *, follow: bool = True, links: int = 0) -> _Found:
        """The entry that an absolute or relative path names; `node` is None where only the last name is missing."""
        if not path:
            raise SysError(Errno.ENOENT)
        absolute = path if path.startswith("/") else f"{self.working_directory}/{path}"
        parts = [part for part in absolute.split("/") if part not in ("", ".")]
        must_be_directory = path.endswith(("/", "/."))
        trail: list[tuple[str, Directory]] = [("", self.root)]
        for index, part in enumerate(parts):
            here, last = trail[-1][1], index == len(parts) - 1
            if part == "..":
                trail = trail[:-1] or trail
                continue
            child = here.entries.get(part)
            if isinstance(child, Link) and (follow or not last or must_be_directory):
                if links >= _MOST_LINKS:
                    raise SysError(Errno.ELOOP)
                base = "" if child.target.startswith("/") else _path(trail)
                target = "/".join([base, child.target, *parts[index + 1 :]])
                return self._find(target, follow=follow, links=links + 1)
            if isinstance(child, Directory):
                trail.append((part, child))
            elif last and (child is None or not must_be_directory):
                return _Found(here, _checked_name(part), child, f"{_path(trail)}/{part}")
            else:
                raise SysError(Errno.ENOENT if child is None else Errno.ENOTDIR)
        name, node = trail[-1]
        parent = trail[-2][1] if len(trail) > 1 else self.root
        return _Found(parent, name, node, _path(trail) or "/")

    def lookup(self, path: str, *, follow: bool = True) -> Node:
        node = self._find(path, follow=follow).node
        if node is None:
            raise SysError(Errno.ENOENT)
        return node

    def change_directory(self, path: str) -> None:
        found = self._find(path)
        if found.node is None:
            raise SysError(Errno.ENOENT)
        if not isinstance(found.node, Directory):
            raise SysError(Errno.ENOTDIR)
        self.working_directory = found.path

    # The tree

    def _inode(self) -> int:
        if self.nodes >= self.most_nodes:
            raise SysError(Errno.ENOSPC)
        self._last_inode += 1
        return self._last_inode

    def _attach(self, found: _Found, node: Node) -> None:
        found.parent.entries[found.name] = node
        node.parents += 1
        self.nodes += 1
        found.parent.modified = self.clock()

    def _detach(self, found: _Found, node: Node) -> None:
        del found.parent.entries[found.name]
        node.parents -= 1
        self.nodes -= 1
        found.parent.modified = self.clock()
        self._release(node)

    def _release(self, node: Node) -> None:
        if not node.parents and not node.opened and isinstance(node, File) and isinstance(node.data, bytearray):
            self._charge(-len(node.data))
            node.data = b""

    def _charge(self, size: int) -> None:
        if size > 0 and self.used + size > self.most_bytes:
            raise SysError(Errno.ENOSPC)
        self.used += size

    def _vacant(self, path: str) -> _Found:
        found = self._find(path, follow=False)
        if found.node is not None:
            raise SysError(Errno.EEXIST)
        return found

    def make_directory(self, path: str, mode: int = 0o755) -> None:
        found = self._vacant(path.rstrip("/") or "/")
        self._attach(found, Directory(self._inode(), mode, self.clock()))

    def make_link(self, target: str, path: str) -> None:
        if not target:
            raise SysError(Errno.ENOENT)
        found = self._vacant(path)
        self._attach(found, Link(self._inode(), self.clock(), target))

    def add_file(self, path: str, data: bytes) -> None:
        """Host side: a read-only file, with the directories above it."""
        self._attach(self._make_way(path), File(self._inode(), 0o444, self.clock(), data))

    def add_device(self, path: str, sink: Callable[[memoryview], None]) -> None:
        """Host side: a character device, with the directories above it."""
        self._attach(self._make_way(path), Device(self._inode(), self.clock(), sink))

    def make_directories(self, path: str) -> None:
        """Host side: a directory with those above it, as far as they are missing."""
        names = [name for name in path.split("/") if name]
        for depth in range(1, len(names) + 1):
            above = "/" + "/".join(names[:depth])
            if self._find(above).node is None:
                self.make_directory(above)

    def _make_way(self, path: str) -> _Found:
        self.make_directories(path.rsplit("/", 1)[0])
        return self._vacant(path)

    def remove_file(self, path: str) -> None:
        found = self._find(path, follow=False)
        if found.node is None:
            raise SysError(Errno.ENOENT)
        if isinstance(found.node, Directory):
            raise SysError(Errno.EISDIR)
        self._detach(found, found.node)

    def remove_directory(self, path: str) -> None:
        found = self._find(path, follow=False)
        if found.node is None:
            raise SysError(Errno.ENOENT)
        if not isinstance(found.node, Directory):
            raise SysError(Errno.ENOTDIR)
        if found.node.entries:
            raise SysError(Errno.ENOTEMPTY)
        if found.node is self.root or not found.name:
            raise SysError(Errno.EPERM)
        self._detach(found, found.node)

    def rename(self, old: str, new: str) -> None:
        source, target = self._find(old, follow=False), self._find(new.rstrip("/") or "/", follow=False)
        moved = source.node
        if moved is None:
            raise SysError(Errno.ENOENT)
        if moved is target.node:
            return
        if moved is self.root or target.node is self.root:
            raise SysError(Errno.EPERM)
        if isinstance(moved, Directory) and target.path.startswith(source.path + "/"):
            raise SysError(Errno.EINVAL)
        if source.path.startswith(target.path + "/"):
            raise SysError(Errno.ENOTEMPTY)
        if target.node is not None:
            _check_replaceable(target.node, moved)
            self._detach(target, target.node)
        moved.opened += 1  # between two names it must not count as gone
        self._detach(source, moved)
        self._attach(target, moved)
        moved.opened -= 1

    # Open files

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """The new descriptor."""
        found = self._find(path, follow=not flags & O_NOFOLLOW and not flags & O_EXCL)
        node = found.node
        if node is None:
            if not flags & O_CREAT or path.endswith("/"):
                raise SysError(Errno.ENOENT)
            self._lowest_descriptor()
            node = File(self._inode(), mode, self.clock(), bytearray())
            self._attach(found, node)
        elif flags & O_CREAT and flags & O_EXCL:
            raise SysError(Errno.EEXIST)
        if isinstance(node, Link):
            raise SysError(Errno.ELOOP)
        if flags & O_DIRECTORY and not isinstance(node, Directory):
            raise SysError(Errno.ENOTDIR)
        writes = flags & O_ACCMODE != 0 or flags & O_TRUNC
        if isinstance(node, Directory) and writes:
            raise SysError(Errno.EISDIR)
        if isinstance(node, File) and isinstance(node.data, bytes) and writes:
            raise SysError(Errno.EROFS)
        if flags & O_TRUNC and isinstance(node, File):
            self.truncate(node, 0)
        return self.add(OpenFile(node, flags, found.path))

    def _lowest_descriptor(self, minimum: int = 0) -> int:
        number = max(minimum, 0)
        while number in self.descriptors:
            number += 1
        if number >= self.most_descriptors:
            raise SysError(Errno.EMFILE)
        return number

    def add(self, file: OpenFile, minimum: int = 0) -> int:
        """Give an open file the lowest free descriptor that is not below `minimum`."""
        number = self._lowest_descriptor(minimum)
        self.place(file, number)
        return number

    def place(self, file: OpenFile, number: int) -> None:
        """Give an open file this very descriptor, closing what had it."""
        if not 0 <= number < self.most_descriptors:
            raise SysError(Errno.EBADF)
        file.descriptors += 1
        if file.descriptors == 1:
            file.node.opened += 1
        if number in self.descriptors:
            self.close(number)
        self.descriptors[number] = file

    def get(self, descriptor: int) -> OpenFile:
        file = self.descriptors.get(descriptor)
        if file is None:
            raise SysError(Errno.EBADF)
        return file

    def close(self, descriptor: int) -> None:
        file = self.get(descriptor)
        del self.descriptors[descriptor]
        file.descriptors -= 1
        if not file.descriptors:
            file.node.opened -= 1
            self._release(file.node)

    def read(self, file: OpenFile, size: int, at: int | None = None) -> bytes | memoryview:
        """At most `size` bytes from `at`, or from the file's position, which then moves."""
        node = file.node
        if not file.readable:
            raise SysError(Errno.EBADF)
        if isinstance(node, Directory):
            raise SysError(Errno.EISDIR)
        if not isinstance(node, File):
            return b""
        start = file.position if at is None else at
        if start < 0:
            raise SysError(Errno.EINVAL)
        data = memoryview(node.data)[start : start + size]
        if at is None:
            file.position += len(data)
        return data

    def list_directory(self, file: OpenFile) -> list[tuple[str, Node]]:
        """Names and nodes as they were when reading began: what is removed in between does not shift the rest."""
        if not isinstance(file.node, Directory):
            raise SysError(Errno.ENOTDIR)
        if not file.position:
            file.listing = [(".", file.node), ("..", file.node), *file.node.entries.items()]
        return file.listing

    def write(self, file: OpenFile, data: memoryview, at: int | None = None) -> int:
        """All of `data` at `at`, or at the file's position (its end when appending), which then moves."""
        node = file.node
        if not file.writable:
            raise SysError(Errno.EBADF)
        if isinstance(node, Device):
            node.sink(data)
            return len(data)
        if not isinstance(node, File):
            raise SysError(Errno.EINVAL)
        start = at if at is not None else node.size if file.flags & O_APPEND else file.position
        if start < 0:
            raise SysError(Errno.EINVAL)
        if not data:
            return 0
        end = start + len(data)
        content = self._resize(node, max(end, node.size))
        content[start:end] = data
        node.modified = self.clock()
        if at is None:
            file.position = end
        return len(data)

    def truncate(self, node: Node, size: int) -> None:
        if isinstance(node, Directory):
            raise SysError(Errno.EISDIR)
        if size < 0 or not isinstance(node, File):
            raise SysError(Errno.EINVAL)
        self._resize(node, size)
        node.modified = self.clock()

    def _resize(self, node: File, size: int) -> bytearray:
        if isinstance(node.data, bytes):
            raise SysError(Errno.EROFS)
        change = size - len(node.data)
        self._charge(change)
        if change > 0:
            node.data.extend(bytes(change))
        elif change < 0:
            del node.data[size:]
        return node.data

    def seek(self, file: OpenFile, offset: int, whence: int) -> int:
        """The new position. `whence` is 0, 1 or 2: from the start, the position, the end."""
        if isinstance(file.node, Device):
            raise SysError(Errno.ESPIPE)
        if whence not in (0, 1, 2):
            raise SysError(Errno.EINVAL)
        position = offset + (0, file.position, file.node.size)[whence]
        if not 0 <= position < 1 << 63:
            raise SysError(Errno.EINVAL)
        file.position = position
        return position
