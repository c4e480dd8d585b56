"""What the worker's process gives up before the guest's first instruction: the wall behind Wasmtime's.

Each step is the kernel's to grant; what was granted is reported, and `python -m rlm_sandbox.confine` shows it.
"""

import contextlib
import ctypes
import errno
import json
import os
import platform
import resource
import struct
import subprocess
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_CAPABILITY_VERSION = 0x20080522
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1
# Rights to files by Landlock version (each knows those before it): 13 at first, then refer, truncate, -, ioctl.
_LANDLOCK_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_LANDLOCK_NETWORK, _LANDLOCK_SCOPES = 0b11, 0b11

# Beside the guest's memory: Wasmtime reserves 4 GiB and guard pages for each of two heaps; Python takes the rest.
_RESERVED, _WORKING = 10 << 30, 1 << 30
_MOST_DESCRIPTORS = 64
_MOST_LOG = 1 << 16


def confine() -> dict[str, bool]:
    """Before anything else, while there is one thread: no privileges, no network, no new rights, no dumps."""
    granted = {
        "no_new_privs": _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
        "network_namespace": _LIBC.unshare(_CLONE_NEWNET) == 0 or _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0,
        "no_capabilities": _drop_capabilities(),
        "not_dumpable": _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
    }
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _MOST_DESCRIPTORS,
        resource.RLIMIT_FSIZE: _MOST_LOG,
    }
    return granted | {"resource_limits": all(_limit(kind, value) for kind, value in limits.items())}


def confine_memory(memory_bytes: int) -> bool:
    """What the process may map, and what of it may be written: the guest's memory and a margin."""
    mapped = _limit(resource.RLIMIT_AS, _RESERVED + memory_bytes)
    return _limit(resource.RLIMIT_DATA, _WORKING + memory_bytes) and mapped


def confine_files() -> bool:
    """From here on this thread, and those it starts, open no file and no TCP connection, and signal no one outside."""
    version = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    if version < 1:
        return False
    files = (1 << _LANDLOCK_FILE_RIGHTS.get(version, 16)) - 1
    rules = struct.pack("<Q", files)
    if version >= 4:
        rules += struct.pack("<Q", _LANDLOCK_NETWORK)
    if version >= 6:
        rules += struct.pack("<Q", _LANDLOCK_SCOPES)
    ruleset = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    with contextlib.closing(os.fdopen(ruleset, "rb", buffering=0)):
        return _LIBC.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0


def confine_system_calls() -> bool:
    """For all threads: from here on no file is opened, removed or renamed, no socket made, no program or process
    started, no other process touched. Such calls fail with EPERM."""
    if platform.machine() not in _SECCOMP:
        return False
    audit, seccomp, numbers = _SECCOMP[platform.machine()]
    forbidden = sorted({*map(int, numbers.split()), *_FORBIDDEN_EVERYWHERE})
    program = [
        (_BPF_LOAD, 0, 0, 4),  # the architecture: another's numbers mean other calls
        (_BPF_EQUAL, 1, 0, audit),
        (_BPF_RETURN, 0, 0, _SECCOMP_KILL),
        (_BPF_LOAD, 0, 0, 0),  # the number of the call
        (_BPF_AT_LEAST, len(forbidden) + 1, 0, _X32),
        *((_BPF_EQUAL, len(forbidden) - index, 0, number) for index, number in enumerate(forbidden)),
        (_BPF_RETURN, 0, 0, _SECCOMP_ALLOW),
        (_BPF_RETURN, 0, 0, _SECCOMP_REFUSE | errno.EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    return _LIBC.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_ALL_THREADS, filter_) == 0


# Numbers are the same on all architectures from 424 on: pidfd_send_signal, io_uring_setup, pidfd_open, clone3, openat2,
# pidfd_getfd.
_FORBIDDEN_EVERYWHERE = (424, 425, 434, 435, 437, 438)
# Machine -> its name to the kernel's audit, the number of seccomp(2), the numbers of: open creat openat
# open_by_handle_at, unlink rmdir rename link symlink and their -at forms, socket connect accept socketpair bind listen
# accept4, clone fork vfork execve execveat, kill tkill tgkill ptrace process_vm_readv process_vm_writev, mount unshare
# setns add_key keyctl bpf userfaultfd perf_event_open.
_SECCOMP = {
    "x86_64": (
        0xC000003E,
        317,
        "2 85 257 304 87 84 82 86 88 263 264 316 265 266 41 42 43 53 49 50 288 "
        "56 57 58 59 322 62 200 234 101 310 311 165 272 308 248 250 321 323 298",
    ),
    "aarch64": (
        0xC00000B7,
        277,
        "56 265 35 38 276 37 36 198 203 202 199 200 201 242 "
        "220 221 281 129 130 131 117 270 271 40 97 268 217 219 280 282 241",
    ),
}
_BPF_LOAD, _BPF_EQUAL, _BPF_AT_LEAST, _BPF_RETURN = 0x20, 0x15, 0x35, 0x06
_SECCOMP_KILL, _SECCOMP_REFUSE, _SECCOMP_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_SECCOMP_SET_MODE_FILTER, _SECCOMP_ALL_THREADS = 1, 1
_X32 = 0x40000000  # calls of the x32 interface have this bit


def _drop_capabilities() -> bool:
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    return _LIBC.capset(header, bytes(24)) == 0


def _limit(kind: int, value: int) -> bool:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        return False
    return True


def capabilities() -> dict[str, bool]:
    """Which protections the kernel grants to workers on this machine, found by trying them in a child process."""
    command = [sys.executable, "-I", str(__file__)]
    done = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)  # noqa: S603
    return json.loads(done.stdout)


if __name__ == "__main__":
    found = confine() | {"memory_limits": confine_memory(1 << 30), "no_files": confine_files()}
    sys.stdout.write(json.dumps(found | {"system_calls": confine_system_calls()}))
