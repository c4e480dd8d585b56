"""The guest's file system: the tree of names, and the files that are open in it.

Text handed to the guest never passes through here; it is for the standard library's archive, for scratch files of
model-written code, and for stdout. What may be used is bounded (`FileSystem` arguments).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from rlm_sandbox.nodes import Device, Directory, File, Link, Node
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.tree import Tree

O_ACCMODE, O_WRONLY, O_RDWR = 3, 1, 2
O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW = 0o100, 0o200, 0o1000, 0o2000, 0o200000, 0o400000


@dataclass(eq=False, slots=True)
class OpenFile:
    """An open file description: descriptors made by dup share it."""

    node: Node
    flags: int
    path: str
    position: int = 0
    descriptors: int = 0
    listing: list[str] = field(default_factory=list[str])
    """The names of a directory, as they were when reading it began."""

    @property
    def readable(self) -> bool:
        return self.flags & O_ACCMODE != O_WRONLY

    @property
    def writable(self) -> bool:
        return self.flags & O_ACCMODE in (O_WRONLY, O_RDWR)


class FileSystem(Tree):
    """A tree and the descriptors that lead into it."""

    def __init__(
        self, clock: Callable[[], float], *, most_bytes: int, most_nodes: int = 20_000, most_descriptors: int = 256
    ) -> None:
        super().__init__(clock, most_bytes=most_bytes, most_nodes=most_nodes)
        self.most_descriptors = most_descriptors
        self.descriptors: dict[int, OpenFile] = {}

    # Descriptors

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """The new descriptor."""
        found = self.find(path, follow=not flags & O_NOFOLLOW and not flags & O_EXCL)
        node = found.node
        if node is None:
            if not flags & O_CREAT or path.endswith("/"):
                raise SysError(Errno.ENOENT)
            self._lowest_descriptor()
            node = File(self.new_inode(), mode, self.clock(), bytearray())
            self.attach(found, node)
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
        descriptor = self.add(OpenFile(node, flags, found.path))
        if flags & O_TRUNC and isinstance(node, File):
            self.truncate(node, 0)
        return descriptor

    def _lowest_descriptor(self, minimum: int = 0) -> int:
        number = minimum
        while number in self.descriptors:
            number += 1
        if number >= self.most_descriptors:
            raise self.refuse(Errno.EMFILE, f"{self.most_descriptors} files may be open at once")
        return number

    def add(self, file: OpenFile, minimum: int = 0) -> int:
        """Give an open file the lowest free descriptor that is not below `minimum`."""
        if not 0 <= minimum < self.most_descriptors:
            raise SysError(Errno.EINVAL)
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
            self.release(file.node)

    # What is in them

    def read(self, file: OpenFile, window: memoryview, at: int | None = None) -> int:
        """Fill the window from `at`, or from the file's position, which then moves; how many bytes there were."""
        node = file.node
        if not file.readable:
            raise SysError(Errno.EBADF)
        if isinstance(node, Directory):
            raise SysError(Errno.EISDIR)
        if not isinstance(node, File):
            return 0
        start = file.position if at is None else at
        if start < 0:
            raise SysError(Errno.EINVAL)
        count = node.read(start, window)
        if at is None:
            file.position += count
        return count

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
        self.charge(change)
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

    def list_directory(self, file: OpenFile, first: int, count: int) -> list[tuple[int, str, Node]]:
        """Up to `count` entries from the `first`: (number, name, node). Their numbers do not shift when one is removed
        in between; reading from 0 begins anew."""
        here = file.node
        if not isinstance(here, Directory):
            raise SysError(Errno.ENOTDIR)
        if not first:
            file.listing = [".", "..", *here.entries]
        own: dict[str, Node] = {".": here, "..": here}
        entries: list[tuple[int, str, Node]] = []
        for number, name in enumerate(file.listing[first:], first):
            node = own.get(name) or here.entries.get(name)
            if node is not None:
                entries.append((number, name, node))
            if len(entries) == count:
                break
        return entries
