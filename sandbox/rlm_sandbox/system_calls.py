"""The system calls that a worker may not make once its guest is in place: a seccomp filter.

The worker computes, talks over the socket it has, maps memory, starts threads, and forks before each cell. What is
forbidden here is what native code, had a guest ever got that far, would need to touch anything else; a fork of it is
as confined as it is, and dies with its group. It is a list of what is forbidden, not of what is allowed: libc, Python
and Wasmtime choose other calls from one version to the next. What is left of use to native code: to see by its path
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
_CLONE3 = 435
_NAMESPACES = 0x7E020080  # the flags of clone(2) that make one

# Name: number on x86_64, on aarch64 (None where it has no such call).
_FORBIDDEN: dict[str, tuple[int, int | None]] = {
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, None),
    "open_by_handle_at": (304, 265),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rmdir": (84, None),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "utimes": (235, None),
    "utime": (132, None),
    "flock": (73, 32),  # a mounted file is open for reading: whoever holds it could still lock it
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "truncate": (76, 45),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "getxattr": (191, 8),
    "lgetxattr": (192, 9),
    "listxattr": (194, 11),
    "llistxattr": (195, 12),
    "statfs": (137, 43),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "name_to_handle_at": (303, 264),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "personality": (135, 92),
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "unshare": (272, 97),
    "setns": (308, 268),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
}

# Instructions of the filter's little machine, and its verdicts.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_KILL, _ALLOW, _ERROR = 0x80000000, 0x7FFF0000, 0x00050000
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_X32 = 0x40000000  # calls of the x32 interface have this bit


def forbid() -> bool:
    """For all threads of this process, for good: these calls fail with EPERM. Needs no_new_privs. False where the
    kernel, or this list, does not know the machine."""
    name = platform.machine()
    if name not in _MACHINES:
        return False
    column, machine = list(_MACHINES).index(name), _MACHINES[name]
    numbers = [number for pair in _FORBIDDEN.values() if (number := pair[column]) is not None]
    first = 8  # of them, in the program
    end = first + len(numbers)
    flags, process, refused, allowed, unknown = end + 1, end + 3, end + 5, end + 6, end + 7

    def test(place: int, kind: int, value: int, yes: int, no: int | None = None) -> tuple[int, int, int, int]:
        """An instruction at a place: where to go from there."""
        return kind, yes - place - 1, 0 if no is None else no - place - 1, value

    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),  # to another architecture the numbers mean other calls
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        test(4, _AT_LEAST, _X32, refused),
        test(5, _EQUAL, _CLONE3, unknown),  # its flags cannot be seen from here; libc then uses clone
        test(6, _EQUAL, machine.clone, flags),
        test(7, _EQUAL, machine.prlimit, process),
        *(test(first + index, _EQUAL, number, refused) for index, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        test(flags + 1, _ANY_BIT, _NAMESPACES, refused, allowed),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        test(process + 1, _EQUAL, 0, allowed, refused),  # limits of its own only
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    return _LIBC.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, filter_) == 0
