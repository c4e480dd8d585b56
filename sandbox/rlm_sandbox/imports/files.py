"""Imports on files and directories, over the in-memory `FileSystem`.

Layouts are those of Emscripten's musl: `struct stat` is 96 bytes, `struct dirent` 280, an iovec two u32.
"""

import stat
import struct
from collections.abc import Iterator

from rlm_sandbox.imports import Table
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.syserr import Errno, SysError
from rlm_sandbox.vfs import O_APPEND, Device, Directory, FileSystem, Link, Node

_AT_FDCWD, _AT_REMOVEDIR, _AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = -100, 0x200, 0x100, 0x1000
_F_DUPFD, _F_GETFD, _F_SETFD, _F_GETFL, _F_SETFL, _F_SETLK, _F_SETLKW, _F_DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 13, 14, 1030
_DIRENT = struct.Struct("<QqHB256s5x")
_STAT = struct.Struct("<6IqiI qI4x qI4x qI4x Q")
_MOST_VECTORS = 1024
_USER = 1000


class Files:
    def __init__(self, memory: GuestMemory, files: FileSystem) -> None:
        self.memory, self.files = memory, files
        self.mask = 0o022

    def table(self) -> Table:
        return {
            "__syscall_openat": self.open_at,
            "fd_close": self.close,
            "fd_read": self.read,
            "fd_write": self.write,
            "fd_pread": self.read_at,
            "fd_pwrite": self.write_at,
            "fd_seek": self.seek,
            "fd_sync": self.sync,
            "__syscall_fdatasync": self.sync,
            "fd_fdstat_get": self.descriptor_stat,
            "__syscall_stat64": self.stat,
            "__syscall_lstat64": self.link_stat,
            "__syscall_fstat64": self.open_stat,
            "__syscall_newfstatat": self.stat_at,
            "__syscall_faccessat": self.access_at,
            "__syscall_getdents64": self.list_directory,
            "__syscall_getcwd": self.working_directory,
            "__syscall_chdir": self.change_directory,
            "__syscall_mkdirat": self.make_directory_at,
            "__syscall_unlinkat": self.unlink_at,
            "__syscall_rmdir": self.remove_directory,
            "__syscall_renameat": self.rename_at,
            "__syscall_readlinkat": self.read_link_at,
            "__syscall_symlinkat": self.symlink_at,
            "__syscall_truncate64": self.truncate,
            "__syscall_ftruncate64": self.open_truncate,
            "__syscall_chmod": self.change_mode,
            "__syscall_fchmod": self.open_change_mode,
            "__syscall_fchmodat2": self.change_mode_at,
            "__syscall_utimensat": self.set_times_at,
            "__syscall_umask_js": self.set_mask,
            "__syscall_dup": self.duplicate,
            "__syscall_dup3": self.duplicate_to,
            "__syscall_fcntl64": self.control,
            "__syscall_ioctl": self.device_control,
        }

    def _path(self, directory: int, address: int, *, may_be_empty: bool = False) -> str:
        path = self.memory.text(address)
        if path.startswith("/"):
            return path
        base = self.files.working_directory if directory == _AT_FDCWD else self.files.get(directory).path
        if path:
            return f"{base}/{path}"
        if not may_be_empty:
            raise SysError(Errno.ENOENT)
        return base

    # Reading and writing

    def open_at(self, directory: int, path: int, flags: int, varargs: int) -> int:
        mode = self.memory.u32(varargs) if varargs else 0
        return self.files.open(self._path(directory, path), flags, mode & ~self.mask)

    def close(self, descriptor: int) -> int:
        self.files.close(descriptor)
        return 0

    def _vectors(self, address: int, count: int) -> Iterator[memoryview]:
        if not 0 <= count <= _MOST_VECTORS:
            raise SysError(Errno.EINVAL)
        for index in range(count):
            start, size = self.memory.unpack("<II", address + 8 * index)
            yield self.memory.view(start, size)

    def read(self, descriptor: int, vectors: int, count: int, done: int, at: int | None = None) -> int:
        file, total = self.files.get(descriptor), 0
        for window in self._vectors(vectors, count):
            data = self.files.read(file, len(window), None if at is None else at + total)
            window[: len(data)] = data
            total += len(data)
            if len(data) < len(window):
                break
        self.memory.set_u32(done, total)
        return 0

    def write(self, descriptor: int, vectors: int, count: int, done: int, at: int | None = None) -> int:
        file, total = self.files.get(descriptor), 0
        for window in self._vectors(vectors, count):
            total += self.files.write(file, window, None if at is None else at + total)
        self.memory.set_u32(done, total)
        return 0

    def read_at(self, descriptor: int, vectors: int, count: int, at: int, done: int) -> int:
        return self.read(descriptor, vectors, count, done, at)

    def write_at(self, descriptor: int, vectors: int, count: int, at: int, done: int) -> int:
        return self.write(descriptor, vectors, count, done, at)

    def seek(self, descriptor: int, offset: int, whence: int, position: int) -> int:
        self.memory.set_u64(position, self.files.seek(self.files.get(descriptor), offset, whence))
        return 0

    def sync(self, descriptor: int) -> int:
        self.files.get(descriptor)
        return 0

    # Descriptors

    def descriptor_stat(self, descriptor: int, result: int) -> int:
        # Never 2, a character device: stdout would count as a terminal, and each line would be a write.
        kind = 3 if isinstance(self.files.get(descriptor).node, Directory) else 4
        self.memory.pack("<BxH4xQQ", result, kind, 0, 0, 0)
        return 0

    def duplicate(self, descriptor: int) -> int:
        return self.files.add(self.files.get(descriptor))

    def duplicate_to(self, descriptor: int, number: int, _flags: int) -> int:
        if descriptor == number:
            raise SysError(Errno.EINVAL)
        self.files.place(self.files.get(descriptor), number)
        return number

    def control(self, descriptor: int, command: int, varargs: int) -> int:
        file = self.files.get(descriptor)
        if command in (_F_DUPFD, _F_DUPFD_CLOEXEC):
            return self.files.add(file, self.memory.unpack("<i", varargs)[0])
        if command in (_F_GETFD, _F_SETFD, _F_SETLK, _F_SETLKW):
            return 0  # nothing is inherited, and locks have no rival
        if command == _F_GETFL:
            return file.flags
        if command == _F_SETFL:
            file.flags = file.flags & ~O_APPEND | self.memory.u32(varargs) & O_APPEND
            return 0
        raise SysError(Errno.EINVAL)

    def device_control(self, descriptor: int, _request: int, _varargs: int) -> int:
        self.files.get(descriptor)
        raise SysError(Errno.ENOTTY)

    # Metadata

    def _write_stat(self, result: int, node: Node) -> int:
        times: list[int] = []
        for moment in (node.accessed, node.modified, node.changed):
            times += [int(moment), int(moment % 1 * 1e9)]
        device = 1 if isinstance(node, Device) else 0
        blocks = (node.size + 511) // 512
        record = _STAT.pack(1, node.mode, 1, _USER, _USER, device, node.size, 4096, blocks, *times, node.inode)
        self.memory.write(result, record)
        return 0

    def stat(self, path: int, result: int) -> int:
        return self._write_stat(result, self.files.lookup(self.memory.text(path)))

    def link_stat(self, path: int, result: int) -> int:
        return self._write_stat(result, self.files.lookup(self.memory.text(path), follow=False))

    def open_stat(self, descriptor: int, result: int) -> int:
        return self._write_stat(result, self.files.get(descriptor).node)

    def stat_at(self, directory: int, path: int, result: int, flags: int) -> int:
        place = self._path(directory, path, may_be_empty=bool(flags & _AT_EMPTY_PATH))
        return self._write_stat(result, self.files.lookup(place, follow=not flags & _AT_SYMLINK_NOFOLLOW))

    def access_at(self, directory: int, path: int, wanted: int, _flags: int) -> int:
        node = self.files.lookup(self._path(directory, path))
        if wanted & 7 & ~(node.mode >> 6):
            raise SysError(Errno.EACCES)
        return 0

    @staticmethod
    def _set_mode(node: Node, mode: int) -> int:
        node.mode = stat.S_IFMT(node.mode) | mode & 0o777
        return 0

    def change_mode(self, path: int, mode: int) -> int:
        return self._set_mode(self.files.lookup(self.memory.text(path)), mode)

    def open_change_mode(self, descriptor: int, mode: int) -> int:
        return self._set_mode(self.files.get(descriptor).node, mode)

    def change_mode_at(self, directory: int, path: int, mode: int, flags: int) -> int:
        node = self.files.lookup(self._path(directory, path), follow=not flags & _AT_SYMLINK_NOFOLLOW)
        return self._set_mode(node, mode)

    def set_times_at(self, directory: int, path: int, times: int, flags: int) -> int:
        if path:
            place = self._path(directory, path, may_be_empty=True)
            node = self.files.lookup(place, follow=not flags & _AT_SYMLINK_NOFOLLOW)
        else:
            node = self.files.get(directory).node
        if not times:
            node.accessed = node.modified = self.files.clock()
            return 0
        accessed, accessed_ns, modified, modified_ns = self.memory.unpack("<qI4xqI4x", times)
        if not (0 <= accessed < 1 << 33 and 0 <= modified < 1 << 33):
            raise SysError(Errno.EINVAL)
        node.accessed, node.modified = accessed + accessed_ns / 1e9, modified + modified_ns / 1e9
        return 0

    def set_mask(self, mask: int) -> int:
        before, self.mask = self.mask, mask & 0o777
        return before

    # Directories and names

    def list_directory(self, descriptor: int, result: int, size: int) -> int:
        file = self.files.get(descriptor)
        listing = self.files.list_directory(file)
        first = file.position // _DIRENT.size
        records = listing[first : first + max(0, size) // _DIRENT.size]
        for index, (name, node) in enumerate(records, first):
            kind = stat.S_IFMT(node.mode) >> 12
            raw = name.encode("utf-8", "surrogateescape")
            record = _DIRENT.pack(node.inode, (index + 1) * _DIRENT.size, _DIRENT.size, kind, raw)
            self.memory.write(result + (index - first) * _DIRENT.size, record)
        file.position = (first + len(records)) * _DIRENT.size
        return len(records) * _DIRENT.size

    def working_directory(self, result: int, size: int) -> int:
        raw = self.files.working_directory.encode("utf-8", "surrogateescape") + b"\0"
        if len(raw) > size:
            raise SysError(Errno.ERANGE)
        self.memory.write(result, raw)
        return len(raw)

    def change_directory(self, path: int) -> int:
        self.files.change_directory(self.memory.text(path))
        return 0

    def make_directory_at(self, directory: int, path: int, mode: int) -> int:
        self.files.make_directory(self._path(directory, path), mode & ~self.mask)
        return 0

    def unlink_at(self, directory: int, path: int, flags: int) -> int:
        place = self._path(directory, path)
        if flags & _AT_REMOVEDIR:
            self.files.remove_directory(place)
        else:
            self.files.remove_file(place)
        return 0

    def remove_directory(self, path: int) -> int:
        self.files.remove_directory(self.memory.text(path))
        return 0

    def rename_at(self, old_directory: int, old: int, new_directory: int, new: int) -> int:
        self.files.rename(self._path(old_directory, old), self._path(new_directory, new))
        return 0

    def symlink_at(self, target: int, directory: int, path: int) -> int:
        self.files.make_link(self.memory.text(target), self._path(directory, path))
        return 0

    def read_link_at(self, directory: int, path: int, result: int, size: int) -> int:
        node = self.files.lookup(self._path(directory, path), follow=False)
        if not isinstance(node, Link) or size < 0:
            raise SysError(Errno.EINVAL)
        raw = node.target.encode("utf-8", "surrogateescape")[:size]
        self.memory.write(result, raw)
        return len(raw)

    def truncate(self, path: int, size: int) -> int:
        self.files.truncate(self.files.lookup(self.memory.text(path)), size)
        return 0

    def open_truncate(self, descriptor: int, size: int) -> int:
        file = self.files.get(descriptor)
        if not file.writable:
            raise SysError(Errno.EINVAL)
        self.files.truncate(file.node, size)
        return 0
