"""Imports on what paths name, over the in-memory `FileSystem`: what is there, making, removing, renaming.

A `directory` argument is a descriptor that relative paths start from, or `AT_FDCWD`; a path is the address of a
NUL-terminated text. Layouts are those of Emscripten's musl: `struct stat` is 96 bytes, `struct timespec` 16.
"""

import stat
import struct

from rlm_sandbox.imports import Imports, implements
from rlm_sandbox.imports.process import USER
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.nodes import Device, Link, Node
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.vfs import FileSystem

_AT_FDCWD, _AT_REMOVEDIR, _AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = -100, 0x200, 0x100, 0x1000
_UTIME_NOW, _UTIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE
_LATEST = 1 << 33  # seconds since the epoch: the year 2242
_STAT = struct.Struct("<6IqiI qI4x qI4x qI4x Q")


class Paths(Imports):
    def __init__(self, memory: GuestMemory, files: FileSystem) -> None:
        self.memory, self.files = memory, files
        self.mask = 0o022

    def path(self, directory: int, address: int, *, may_be_empty: bool = False) -> str:
        """The path at an address, made absolute."""
        path = self.memory.text(address)
        if path.startswith("/"):
            return path
        base = self.files.working_directory if directory == _AT_FDCWD else self.files.get(directory).path
        if path:
            return f"{base}/{path}"
        if not may_be_empty:
            raise SysError(Errno.ENOENT)
        return base

    # What is there

    def write_stat(self, result: int, node: Node) -> int:
        times: list[int] = []
        for moment in (node.accessed, node.modified, node.changed):
            times += [int(moment), int(moment % 1 * 1e9)]
        device = 1 if isinstance(node, Device) else 0
        blocks = (node.size + 511) // 512
        record = _STAT.pack(1, node.mode, 1, USER, USER, device, node.size, 4096, blocks, *times, node.inode)
        self.memory.write(result, record)
        return 0

    @implements("__syscall_stat64")
    def stat(self, path: int, result: int) -> int:
        return self.write_stat(result, self.files.lookup(self.memory.text(path)))

    @implements("__syscall_lstat64")
    def link_stat(self, path: int, result: int) -> int:
        return self.write_stat(result, self.files.lookup(self.memory.text(path), follow=False))

    @implements("__syscall_newfstatat")
    def stat_at(self, directory: int, path: int, result: int, flags: int) -> int:
        place = self.path(directory, path, may_be_empty=bool(flags & _AT_EMPTY_PATH))
        return self.write_stat(result, self.files.lookup(place, follow=not flags & _AT_SYMLINK_NOFOLLOW))

    @implements("__syscall_faccessat")
    def access_at(self, directory: int, path: int, wanted: int, _flags: int) -> int:
        """`wanted` is a sum of 4 (read), 2 (write) and 1 (execute), by the owner's bits."""
        if wanted & ~7:
            raise SysError(Errno.EINVAL)
        node = self.files.lookup(self.path(directory, path))
        if wanted & ~(node.mode >> 6):
            raise SysError(Errno.EACCES)
        return 0

    @implements("__syscall_readlinkat")
    def read_link_at(self, directory: int, path: int, result: int, size: int) -> int:
        """The length of the target, which is cut at `size` bytes and has no NUL."""
        node = self.files.lookup(self.path(directory, path), follow=False)
        if not isinstance(node, Link) or size <= 0:
            raise SysError(Errno.EINVAL)
        raw = node.target.encode("utf-8", "surrogateescape")[:size]
        self.memory.write(result, raw)
        return len(raw)

    # Modes and times

    @staticmethod
    def set_mode(node: Node, mode: int) -> int:
        node.mode = stat.S_IFMT(node.mode) | mode & 0o777
        return 0

    @implements("__syscall_chmod")
    def change_mode(self, path: int, mode: int) -> int:
        return self.set_mode(self.files.lookup(self.memory.text(path)), mode)

    @implements("__syscall_fchmodat2")
    def change_mode_at(self, directory: int, path: int, mode: int, flags: int) -> int:
        node = self.files.lookup(self.path(directory, path), follow=not flags & _AT_SYMLINK_NOFOLLOW)
        return self.set_mode(node, mode)

    @implements("__syscall_utimensat")
    def set_times_at(self, directory: int, path: int, times: int, flags: int) -> int:
        """`times` are two `struct timespec`, accessed and modified, or 0 for now; without a path, of the descriptor
        itself."""
        if path:
            place = self.path(directory, path, may_be_empty=True)
            node = self.files.lookup(place, follow=not flags & _AT_SYMLINK_NOFOLLOW)
        else:
            node = self.files.get(directory).node
        now = self.files.clock()
        if not times:
            node.accessed = node.modified = now
            return 0
        wanted = self.memory.unpack("<qi4x", times), self.memory.unpack("<qi4x", times + 16)
        node.accessed, node.modified = (
            self._time(seconds, nanoseconds, now, before)
            for (seconds, nanoseconds), before in zip(wanted, (node.accessed, node.modified), strict=True)
        )
        return 0

    @staticmethod
    def _time(seconds: int, nanoseconds: int, now: float, before: float) -> float:
        if nanoseconds in (_UTIME_NOW, _UTIME_OMIT):
            return now if nanoseconds == _UTIME_NOW else before
        if not (0 <= seconds < _LATEST and 0 <= nanoseconds < 10**9):
            raise SysError(Errno.EINVAL)
        return seconds + nanoseconds / 1e9

    @implements("__syscall_umask_js")
    def set_mask(self, mask: int) -> int:
        """The mask before."""
        before, self.mask = self.mask, mask & 0o777
        return before

    # Names

    @implements("__syscall_getcwd")
    def working_directory(self, result: int, size: int) -> int:
        """The length of the path with its NUL."""
        raw = self.files.working_directory.encode("utf-8", "surrogateescape") + b"\0"
        if len(raw) > size:
            raise SysError(Errno.ERANGE)
        self.memory.write(result, raw)
        return len(raw)

    @implements("__syscall_chdir")
    def change_directory(self, path: int) -> int:
        self.files.change_directory(self.memory.text(path))
        return 0

    @implements("__syscall_mkdirat")
    def make_directory_at(self, directory: int, path: int, mode: int) -> int:
        self.files.make_directory(self.path(directory, path), mode & ~self.mask)
        return 0

    @implements("__syscall_unlinkat")
    def unlink_at(self, directory: int, path: int, flags: int) -> int:
        place = self.path(directory, path)
        if flags & _AT_REMOVEDIR:
            self.files.remove_directory(place)
        else:
            self.files.remove_file(place)
        return 0

    @implements("__syscall_rmdir")
    def remove_directory(self, path: int) -> int:
        self.files.remove_directory(self.memory.text(path))
        return 0

    @implements("__syscall_renameat")
    def rename_at(self, old_directory: int, old: int, new_directory: int, new: int) -> int:
        self.files.rename(self.path(old_directory, old), self.path(new_directory, new))
        return 0

    @implements("__syscall_symlinkat")
    def symlink_at(self, target: int, directory: int, path: int) -> int:
        self.files.make_link(self.memory.text(target), self.path(directory, path))
        return 0

    @implements("__syscall_truncate64")
    def truncate(self, path: int, size: int) -> int:
        self.files.truncate(self.files.lookup(self.memory.text(path)), size)
        return 0
