"""The system calls that a worker may make once its guest is in place: a seccomp filter.

The worker computes, talks over the socket it has, maps memory, starts threads, and forks before each cell. What it does
not need for that is not there: whoever asks is told that the kernel has no such call, and libc, Python and Wasmtime,
who choose other calls from one version to the next, then take the one they took before. A fork of it is as confined as
it is, and dies with its group. What is left of use to native code, had a guest ever got that far: to see by its path
whether a file is there, how large and whose it is (libc looks at open files with that call, too), to spend the memory
and time that the limits leave, and to read clocks.
"""

import ctypes
import errno
import platform
import struct
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Machine(NamedTuple):
    audit: int
    """Its name to the kernel."""
    seccomp: int
    """The number of seccomp(2)."""
    clone: int
    prlimit: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 317, 56, 302), "aarch64": _Machine(0xC00000B7, 277, 220, 261)}
_NAMESPACES = 0x7E020080  # the flags of clone(2) that make one

# Name: number on x86_64, on aarch64 (None where it has no such call).
_ALLOWED: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "close_range": (436, 436),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "lseek": (8, 62),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "getsockopt": (55, 209),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "msync": (26, 227),
    "brk": (12, 214),
    "futex": (202, 98),
    "membarrier": (324, 283),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "fork": (57, None),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "exit": (60, 93),
    "exit_group": (231, 94),
}

# Instructions of the filter's little machine, and its verdicts.
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_KILL, _ALLOW, _ERROR = 0x80000000, 0x7FFF0000, 0x00050000
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


def forbid() -> bool:
    """For all threads of this process, for good: calls that are not allowed fail. Needs no_new_privs. False where the
    kernel, or this list, does not know the machine."""
    name = platform.machine()
    if name not in _MACHINES:
        return False
    column, machine = list(_MACHINES).index(name), _MACHINES[name]
    numbers = [number for pair in _ALLOWED.values() if (number := pair[column]) is not None]
    first = 6  # of them, in the program
    end = first + len(numbers)
    flags, process, refused, allowed = end + 1, end + 3, end + 5, end + 6

    def test(place: int, kind: int, value: int, yes: int, no: int | None = None) -> tuple[int, int, int, int]:
        """An instruction at a place: where to go from there."""
        return kind, yes - place - 1, 0 if no is None else no - place - 1, value

    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),  # to another architecture the numbers mean other calls
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        test(4, _EQUAL, machine.clone, flags),  # not clone3: its flags cannot be seen from here
        test(5, _EQUAL, machine.prlimit, process),
        *(test(first + index, _EQUAL, number, allowed) for index, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        test(flags + 1, _ANY_BIT, _NAMESPACES, refused, allowed),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        test(process + 1, _EQUAL, 0, allowed, refused),  # limits of its own only
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    return _LIBC.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, filter_) == 0
