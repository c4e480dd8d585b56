"""Systems: what of rlm-local there is on which."""

import platform

from rlm_local.errors import UsageError

LINUX_ALONE = (
    "model-written code runs in processes that Linux confines (forks, sealed memory, namespaces, Landlock, seccomp) "
    "and nowhere without them"
)
ELSEWHERE = "Use Linux, WSL 2 or a container; or ask a server that runs there: `rlm-local run --server URL`"
TESTED = ("Linux", "x86_64")


def check_system(system: str | None = None) -> None:
    """Refuse a system on which the sandbox cannot be; `system` is this one by default.

    Raises:
        UsageError: it is another than Linux.
    """
    system = system or platform.system()
    if system != "Linux":
        raise UsageError(f"questions cannot be answered on {system}: {LINUX_ALONE}", remedy=ELSEWHERE)
