"""Error numbers as the guest's libc knows them: WASI's numbering, not Linux's.

Source: wasi_snapshot_preview1, `errno`.
"""

from enum import IntEnum


class Errno(IntEnum):
    EACCES = 2
    EBADF = 8
    EEXIST = 20
    EFAULT = 21
    EFBIG = 22
    EINTR = 27
    EINVAL = 28
    EIO = 29
    EISDIR = 31
    ELOOP = 32
    EMFILE = 33
    ENAMETOOLONG = 37
    ENOENT = 44
    ENOMEM = 48
    ENOSPC = 51
    ENOSYS = 52
    ENOTDIR = 54
    ENOTEMPTY = 55
    ENOTTY = 59
    EPERM = 63
    ERANGE = 68
    EROFS = 69
    ESPIPE = 70
    EXDEV = 75


class SysError(Exception):
    """A system call of the guest fails with this number. The import layer turns it into the call's return value."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno
