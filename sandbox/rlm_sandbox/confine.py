"""The rights that a sandbox process gives up before the guest's first instruction: the wall behind Wasmtime's.

The kernel may not grant each step, so each returns whether it did. `python -m rlm_sandbox.zygote` shows all steps; the
last one is in `system_calls`.
"""

import contextlib
import ctypes
import os
import resource
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_CAPABILITY_VERSION = 0x20080522
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1
# Rights to files by Landlock version (each knows those before it): 13 at first, then refer, truncate, -, ioctl.
_LANDLOCK_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_LANDLOCK_NETWORK, _LANDLOCK_SCOPES = 0b11, 0b11

# Besides the guest's memory, Wasmtime reserves 4 GiB and guard pages for each of two heaps; Python takes the rest.
_RESERVED, _WORKING = 10 << 30, 1 << 30
_MOST_DESCRIPTORS = 64
_MOST_LOG = 1 << 16


def confine() -> dict[str, bool]:
    """Give up privileges, network, new rights and dumps; before anything else, while there is only one thread."""
    granted = {
        "no_new_privs": _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
        "network_namespace": _LIBC.unshare(_CLONE_NEWNET) == 0 or _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0,
        "no_capabilities": _drop_capabilities(),
        "not_dumpable": _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
    }
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: _MOST_LOG,
    }
    return granted | {"resource_limits": all(_limit(kind, value) for kind, value in limits.items())}


def confine_session(memory_bytes: int, cpu_seconds: int) -> bool:
    """Limit how much each process of a session may map, and how much of that it may write (the guest's memory and a
    margin), how long it may compute, and how many descriptors it may have."""
    limits = {
        resource.RLIMIT_AS: _RESERVED + memory_bytes,
        resource.RLIMIT_DATA: _WORKING + memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_NOFILE: _MOST_DESCRIPTORS,
    }
    granted = [_limit(kind, value) for kind, value in limits.items()]
    return all(granted)


def confine_files() -> bool:
    """From now on, this thread and those it starts can open no file or TCP connection, and signal no one outside."""
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
