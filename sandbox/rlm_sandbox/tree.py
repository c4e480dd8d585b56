"""The names of the guest's file system: paths, directories, links, and what they may hold in all.

A tree in the worker's memory, with nothing of the machine in it. Every failure is a `SysError` with the number that
Linux would give. Permission bits are kept and shown, not enforced: the guest is alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rlm_sandbox.nodes import Device, Directory, File, Link, Mounted, Node
from rlm_sandbox.syserr import Errno, SysError

_LONGEST_NAME = 255
_LONGEST_PATH = 4096  # with the working directory and what links stand for: no walk is longer than its path
_MOST_LINKS = 20


@dataclass(slots=True)
class Found:
    """The place that a path names; `node` is None where only the last name is missing."""

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


class Tree:
    """`used` is the bytes of all that the guest has written and can still reach, by a name or by a descriptor;
    `nodes` is how many names there are."""

    def __init__(self, clock: Callable[[], float], *, most_bytes: int, most_nodes: int) -> None:
        self.clock = clock
        self.most_bytes, self.most_nodes = most_bytes, most_nodes
        self.used = 0
        self.nodes = 1
        self.refused: str | None = None
        """Which limit was in the way of the latest call that one was."""
        self._last_inode = 1
        self.root = Directory(1, 0o755, clock(), fixed=True)
        self.root.parents = 1
        self.working_directory = "/"

    # Paths

    def find(self, path: str, *, follow: bool = True, links: int = 0) -> Found:
        """The entry that an absolute or relative path names."""
        if not path:
            raise SysError(Errno.ENOENT)
        absolute = path if path.startswith("/") else f"{self.working_directory}/{path}"
        if len(absolute) > _LONGEST_PATH:
            raise SysError(Errno.ENAMETOOLONG)
        parts = [part for part in absolute.split("/") if part not in ("", ".")]
        must_be_directory = path.endswith(("/", "/."))
        trail: list[tuple[str, Directory]] = [("", self.root)]
        for index, part in enumerate(parts):
            here, last = trail[-1][1], index == len(parts) - 1
            if part == "..":
                if len(trail) > 1:
                    trail.pop()
                continue
            child = here.entries.get(part)
            if isinstance(child, Link) and (follow or not last or must_be_directory):
                if links >= _MOST_LINKS:
                    raise SysError(Errno.ELOOP)
                base = "" if child.target.startswith("/") else _path(trail)
                target = "/".join([base, child.target, *parts[index + 1 :]])
                return self.find(target, follow=follow, links=links + 1)
            if isinstance(child, Directory):
                trail.append((part, child))
            elif last and (child is None or not must_be_directory):
                return Found(here, _checked_name(part), child, f"{_path(trail)}/{part}")
            else:
                raise SysError(Errno.ENOENT if child is None else Errno.ENOTDIR)
        name, node = trail[-1]
        parent = trail[-2][1] if len(trail) > 1 else self.root
        return Found(parent, name, node, _path(trail) or "/")

    def lookup(self, path: str, *, follow: bool = True) -> Node:
        node = self.find(path, follow=follow).node
        if node is None:
            raise SysError(Errno.ENOENT)
        return node

    def change_directory(self, path: str) -> None:
        found = self.find(path)
        if found.node is None:
            raise SysError(Errno.ENOENT)
        if not isinstance(found.node, Directory):
            raise SysError(Errno.ENOTDIR)
        self.working_directory = found.path

    # Entries

    def new_inode(self) -> int:
        if self.nodes >= self.most_nodes:
            raise self.refuse(Errno.ENOSPC, f"there may be {self.most_nodes:,} files")
        self._last_inode += 1
        return self._last_inode

    def attach(self, found: Found, node: Node) -> None:
        found.parent.entries[found.name] = node
        node.parents += 1
        self.nodes += 1
        found.parent.modified = self.clock()

    def _detach(self, found: Found, node: Node) -> None:
        if node.fixed:
            raise SysError(Errno.EPERM)
        del found.parent.entries[found.name]
        node.parents -= 1
        self.nodes -= 1
        found.parent.modified = self.clock()
        self.release(node)

    def release(self, node: Node) -> None:
        """Give back what a node takes, once neither a name nor a descriptor leads to it."""
        if not node.parents and not node.opened:
            self.charge(-node.charged)
            if isinstance(node, File):
                node.data = b""

    def charge(self, size: int) -> None:
        if size > 0 and self.used + size > self.most_bytes:
            raise self.refuse(Errno.ENOSPC, f"files may take {self.most_bytes:,} bytes in all")
        self.used += size

    def refuse(self, errno: Errno, limit: str) -> SysError:
        self.refused = limit
        return SysError(errno)

    def _vacant(self, path: str) -> Found:
        found = self.find(path, follow=False)
        if found.node is not None:
            raise SysError(Errno.EEXIST)
        return found

    def make_directory(self, path: str, mode: int = 0o755, *, fixed: bool = False) -> None:
        found = self._vacant(path.rstrip("/") or "/")
        self.attach(found, Directory(self.new_inode(), mode, self.clock(), fixed=fixed))

    def make_link(self, target: str, path: str) -> None:
        if not target:
            raise SysError(Errno.ENOENT)
        found = self._vacant(path)
        link = Link(self.new_inode(), self.clock(), target)
        self.charge(link.charged)
        self.attach(found, link)

    def remove_file(self, path: str) -> None:
        found = self.find(path, follow=False)
        if found.node is None:
            raise SysError(Errno.ENOENT)
        if isinstance(found.node, Directory):
            raise SysError(Errno.EISDIR)
        self._detach(found, found.node)

    def remove_directory(self, path: str) -> None:
        found = self.find(path, follow=False)
        if found.node is None:
            raise SysError(Errno.ENOENT)
        if not isinstance(found.node, Directory):
            raise SysError(Errno.ENOTDIR)
        if found.node.entries:
            raise SysError(Errno.ENOTEMPTY)
        self._detach(found, found.node)

    def rename(self, old: str, new: str) -> None:
        source, target = self.find(old, follow=False), self.find(new.rstrip("/") or "/", follow=False)
        moved = source.node
        if moved is None:
            raise SysError(Errno.ENOENT)
        if moved is target.node:
            return
        if moved.fixed or target.node is self.root:
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
        self.attach(target, moved)
        moved.opened -= 1

    # The host's side: what it puts there is fixed

    def make_directories(self, path: str) -> None:
        """A directory with those above it, as far as they are missing."""
        names = [name for name in path.split("/") if name]
        for depth in range(1, len(names) + 1):
            above = "/" + "/".join(names[:depth])
            if self.find(above).node is None:
                self.make_directory(above, fixed=True)

    def add_file(self, path: str, data: bytes) -> None:
        """A read-only file, with the directories above it."""
        self.attach(self._make_way(path), File(self.new_inode(), 0o444, self.clock(), data, fixed=True))

    def mount(self, path: str, descriptor: int, size: int) -> None:
        """A file of the host, read through the descriptor, with the directories above it."""
        self.attach(self._make_way(path), Mounted(self.new_inode(), self.clock(), descriptor, size))

    def add_device(self, path: str, sink: Callable[[memoryview], None]) -> None:
        """A character device, with the directories above it."""
        self.attach(self._make_way(path), Device(self.new_inode(), self.clock(), sink))

    def _make_way(self, path: str) -> Found:
        self.make_directories(path.rsplit("/", 1)[0])
        return self._vacant(path)
