"""Imports that answer "no" in a way that Python code can catch; the guest has no network, processes or libraries.

All imports that stand in no table end the session instead: no ordinary code reaches them.
"""

from collections.abc import Iterable

from rlm_sandbox.imports import Implementation, Table
from rlm_sandbox.syserr import Errno

_EAI_FAIL = -4


def _answer(value: int | None) -> Implementation:
    return lambda *_arguments: value


def _all(names: Iterable[str], value: int | None) -> Table:
    return dict.fromkeys(names, _answer(value))


_SOCKETS = "accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmsg sendmsg sendto socket"
_FILES = "fadvise64 fallocate fchdir fchown32 fchownat fstatfs64 mknodat pipe statfs64"

REFUSED: Table = {
    **_all([f"__syscall_{name}" for name in f"{_SOCKETS} {_FILES}".split()], -Errno.ENOSYS),
    **_all(["_mmap_js", "_msync_js", "_munmap_js", "_emscripten_system"], -Errno.ENOSYS),
    **_all(["getaddrinfo", "getnameinfo"], _EAI_FAIL),
    # No such protocol, no address, no library loaded, not handled in JavaScript.
    **_all(["getprotobyname", "_emscripten_lookup_name", "_dlopen_js", "_try_fcntl64", "_try_shutdown"], 0),
    **_all(["_setitimer_js", "can_run_sync_js"], 0),
    # References to JavaScript objects: there are none.
    **_all(["_maybe_connect_async", "_maybe_recvfrom_async", "_maybe_sendto_async", "_maybe_poll_async"], None),
    **_all(["__hiwire_deduplicate_new"], None),
}
