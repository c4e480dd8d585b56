"""The process that sessions are forked from: `python -m rlm_sandbox.zygote SOCKET PARENT`, started by `Pool`.

It confines itself, restores one guest, and waits. A session's process is a copy of this process, which has never run a
cell or seen a text, so no session can find what another left behind. If a session hangs up, the zygote ends its
processes; when the zygote ends, all processes end. Without arguments, it prints which protections the kernel grants.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from rlm_sandbox import system_calls
from rlm_sandbox.confine import confine, confine_files, confine_session
from rlm_sandbox.image import Image
from rlm_sandbox.interpreter import Anchors
from rlm_sandbox.protocol import Channel, Frame, Gone, Kind
from rlm_sandbox.worker import Guest

_PR_SET_CHILD_SUBREAPER = 36
_IDLE = 1000  # milliseconds between two looks at the parent


class Zygote:
    """Serves sessions until its parent ends.

    It looks for its parent by number, because a hang-up may never come while a fork of the parent holds the socket, and
    PR_SET_PDEATHSIG would watch the thread that started the pool.
    """

    def __init__(self, control: Channel, parent: int, guest: Guest) -> None:
        self.control, self.parent, self.guest = control, parent, guest
        self.groups: dict[int, int] = {}
        """The process group of each session, by a copy of its socket. It stays as long as the group has a process, so
        its number cannot be used for another group."""
        self.lifeline = os.pipe()
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.wake = _wake_up_when_a_child_ends()
        self.poll.register(self.wake, select.POLLIN)
        # A session's present process is the child of one that has ended: its end is to be told here.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def serve(self) -> None:
        """Serve until the pool closes, which raises Gone."""
        self.control.send(Kind.READY)
        while os.getppid() == self.parent:
            for descriptor, _ in self.poll.poll(_IDLE):
                if descriptor == self.control.fileno():
                    self._open(self.control.receive_with_descriptors())
                elif descriptor == self.wake:
                    os.read(descriptor, 4096)
                elif descriptor in self.groups:
                    self.poll.unregister(descriptor)
                    os.killpg(self.groups[descriptor], signal.SIGKILL)
            self._reap()

    def _open(self, frame: Frame) -> None:
        """Fork a session. If that is impossible, its socket is closed, which tells the pool."""
        if len(frame.descriptors) == 2:
            session, log = frame.descriptors
            try:
                child = os.fork()
            except OSError:  # no memory, or too many processes
                os.close(session)
            else:
                if not child:
                    self._become_worker(session, log)
                _lead_a_group(child)
                self.groups[session] = child
                self.poll.register(session, 0)
            os.close(log)

    def _become_worker(self, session: int, log: int) -> NoReturn:
        """Run in the copy of this process: forget the other sessions, and serve one."""
        _lead_a_group(0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for descriptor in (log, self.lifeline[1], self.control.fileno(), *self.groups):
            os.close(descriptor)
        self.guest.live(Channel(socket.socket(fileno=session)), self.lifeline[0])
        os._exit(0)

    def _reap(self) -> None:
        """Forget processes that have ended, and sessions without processes, whose sockets hang up."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            group = os.getpgid(ended.si_pid)
            os.waitpid(ended.si_pid, 0)
            if not _has_processes(group):
                for session in [session for session, leader in self.groups.items() if leader == group]:
                    del self.groups[session]
                    with contextlib.suppress(KeyError):
                        self.poll.unregister(session)
                    os.close(session)


def _lead_a_group(child: int) -> None:
    """Make a process group; both parent and child do so, because either may run first."""
    with contextlib.suppress(ProcessLookupError):
        os.setpgid(child, child)


def _has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _wake_up_when_a_child_ends() -> int:
    """A descriptor that can then be read from."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reader


def main(descriptor: int, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)  # cells compute as long as they may, and whoever waits for them has other things to do
    confine()
    control = Channel(socket.socket(fileno=descriptor))
    try:
        image: dict[str, Any] = json.loads(control.receive_with_descriptors().payload)
        guest = Guest(Image(Path(image["folder"]), Anchors(**image["anchors"]), image["stamps"]))
        confine_files()
        Zygote(control, parent, guest).serve()
    except Gone:
        return
    except Exception:  # noqa: BLE001 - the pool shows it; nothing else can
        control.send(Kind.BROKEN, traceback.format_exc().encode("utf-8", "replace"))


def show_protections() -> None:
    """What the kernel grants, as JSON: name -> whether."""
    granted = confine() | {"session_limits": confine_session(1 << 30, 60), "no_files": confine_files()}
    sys.stdout.write(json.dumps(granted | {"no_system_calls": system_calls.forbid()}))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        show_protections()
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
