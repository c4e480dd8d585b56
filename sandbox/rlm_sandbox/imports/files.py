"""Imports on open files, over the in-memory `FileSystem`.

An iovec is two u32 (address, length); `struct dirent` is 280 bytes; `varargs` is the address of the arguments that C
passes behind `...`, or 0.
"""

import stat
import struct
from collections.abc import Iterator

from rlm_sandbox.imports import implements
from rlm_sandbox.imports.paths import Paths
from rlm_sandbox.nodes import Directory
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.vfs import O_APPEND

_F_DUPFD, _F_GETFD, _F_SETFD, _F_GETFL, _F_SETFL, _F_SETLK, _F_SETLKW, _F_DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 13, 14, 1030
_DIRENT = struct.Struct("<QqHB256s5x")
_MOST_VECTORS = 1024


class Files(Paths):
    @implements("__syscall_openat")
    def open_at(self, directory: int, path: int, flags: int, varargs: int) -> int:
        """The new descriptor. The vararg is the mode of a file that is made."""
        mode = self.memory.u32(varargs) if varargs else 0
        return self.files.open(self.path(directory, path), flags, mode & ~self.mask)

    @implements("fd_close")
    def close(self, descriptor: int) -> int:
        self.files.close(descriptor)
        return 0

    # Reading and writing

    def _vectors(self, address: int, count: int) -> Iterator[memoryview]:
        if not 0 <= count <= _MOST_VECTORS:
            raise SysError(Errno.EINVAL)
        for index in range(count):
            start, size = self.memory.unpack("<II", address + 8 * index)
            yield self.memory.view(start, size)

    @implements("fd_read")
    def read(self, descriptor: int, vectors: int, count: int, done: int, at: int | None = None) -> int:
        """Fills the iovecs in turn; how many bytes that were is a u32 at `done`."""
        file, total = self.files.get(descriptor), 0
        for window in self._vectors(vectors, count):
            filled = self.files.read(file, window, None if at is None else at + total)
            total += filled
            if filled < len(window):
                break
        self.memory.set_u32(done, total)
        return 0

    @implements("fd_write")
    def write(self, descriptor: int, vectors: int, count: int, done: int, at: int | None = None) -> int:
        """Writes the iovecs in turn; how many bytes that were is a u32 at `done`."""
        file, total = self.files.get(descriptor), 0
        for window in self._vectors(vectors, count):
            total += self.files.write(file, window, None if at is None else at + total)
        self.memory.set_u32(done, total)
        return 0

    @implements("fd_pread")
    def read_at(self, descriptor: int, vectors: int, count: int, at: int, done: int) -> int:
        """The same from an offset; the position stays."""
        return self.read(descriptor, vectors, count, done, at)

    @implements("fd_pwrite")
    def write_at(self, descriptor: int, vectors: int, count: int, at: int, done: int) -> int:
        """The same at an offset; the position stays."""
        return self.write(descriptor, vectors, count, done, at)

    @implements("fd_seek")
    def seek(self, descriptor: int, offset: int, whence: int, position: int) -> int:
        """The new position is a u64 at `position`."""
        self.memory.set_u64(position, self.files.seek(self.files.get(descriptor), offset, whence))
        return 0

    @implements("__syscall_ftruncate64")
    def open_truncate(self, descriptor: int, size: int) -> int:
        file = self.files.get(descriptor)
        if not file.writable:
            raise SysError(Errno.EINVAL)
        self.files.truncate(file.node, size)
        return 0

    @implements("fd_sync", "__syscall_fdatasync")
    def sync(self, descriptor: int) -> int:
        """Nothing is kept back."""
        self.files.get(descriptor)
        return 0

    @implements("__syscall_getdents64")
    def list_directory(self, descriptor: int, result: int, size: int) -> int:
        """Fills `size` bytes with as many `struct dirent` as fit; how many bytes they take, 0 at the end."""
        file, most = self.files.get(descriptor), size // _DIRENT.size
        if most < 1:
            raise SysError(Errno.EINVAL)
        entries = self.files.list_directory(file, file.position // _DIRENT.size, most)
        for at, (number, name, node) in enumerate(entries):
            kind = stat.S_IFMT(node.mode) >> 12
            raw = name.encode("utf-8", "surrogateescape")
            record = _DIRENT.pack(node.inode, (number + 1) * _DIRENT.size, _DIRENT.size, kind, raw)
            self.memory.write(result + at * _DIRENT.size, record)
        if entries:
            file.position = (entries[-1][0] + 1) * _DIRENT.size
        return len(entries) * _DIRENT.size

    # Descriptors

    @implements("fd_fdstat_get")
    def descriptor_stat(self, descriptor: int, result: int) -> int:
        """WASI's `fdstat`, 24 bytes: the file type, flags, and two u64 of rights."""
        # Never 2, a character device: stdout would count as a terminal, and each line would be a write.
        kind = 3 if isinstance(self.files.get(descriptor).node, Directory) else 4
        self.memory.pack("<BxH4xQQ", result, kind, 0, 0, 0)
        return 0

    @implements("__syscall_fstat64")
    def open_stat(self, descriptor: int, result: int) -> int:
        return self.write_stat(result, self.files.get(descriptor).node)

    @implements("__syscall_fchmod")
    def open_change_mode(self, descriptor: int, mode: int) -> int:
        return self.set_mode(self.files.get(descriptor).node, mode)

    @implements("__syscall_dup")
    def duplicate(self, descriptor: int) -> int:
        """The new descriptor."""
        return self.files.add(self.files.get(descriptor))

    @implements("__syscall_dup3")
    def duplicate_to(self, descriptor: int, number: int, _flags: int) -> int:
        """`number`, which is closed first where it was open."""
        if descriptor == number:
            raise SysError(Errno.EINVAL)
        self.files.place(self.files.get(descriptor), number)
        return number

    @implements("__syscall_fcntl64")
    def control(self, descriptor: int, command: int, varargs: int) -> int:
        """Duplication and flags; nothing is inherited, and locks have no rival."""
        file = self.files.get(descriptor)
        if command in (_F_DUPFD, _F_DUPFD_CLOEXEC):
            return self.files.add(file, self.memory.unpack("<i", varargs)[0])
        if command in (_F_GETFD, _F_SETFD, _F_SETLK, _F_SETLKW):
            return 0
        if command == _F_GETFL:
            return file.flags
        if command == _F_SETFL:
            file.flags = file.flags & ~O_APPEND | self.memory.u32(varargs) & O_APPEND
            return 0
        raise SysError(Errno.EINVAL)

    @implements("__syscall_ioctl")
    def device_control(self, descriptor: int, _request: int, _varargs: int) -> int:
        """Nothing here is a terminal."""
        self.files.get(descriptor)
        raise SysError(Errno.ENOTTY)
