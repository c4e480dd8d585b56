"""The process in which a session's guest lives: a fork of the zygote, then of itself, once for each cell.

The process has one thread but while guest code runs: that runs in a second, whose stack is large, and the first looks
at the clock and whether the zygote still lives. A guest that does not stop in time is left running: its process ends.
"""

import json
import math
import mmap
import os
import select
import traceback
from collections.abc import Callable
from concurrent.futures import wait
from typing import Any, TypeVar

import wasmtime

from rlm_sandbox import native, system_calls
from rlm_sandbox.checkpoint import Death, Outcome, attempt
from rlm_sandbox.confine import confine_session
from rlm_sandbox.deadline import TICK, TimeUp
from rlm_sandbox.errors import TextTooLarge
from rlm_sandbox.image import Image
from rlm_sandbox.imports import ImportRefused
from rlm_sandbox.imports.process import GuestExit
from rlm_sandbox.interpreter import Failure, Interpreter
from rlm_sandbox.limits import Limits, Stopped
from rlm_sandbox.machine import Machine, guest_files
from rlm_sandbox.output import Output, cut
from rlm_sandbox.protocol import Channel, Frame, Gone, Kind, refusal
from rlm_sandbox.syserr import SysError
from rlm_sandbox.text import Layout

# What ends a guest: a trap, the deadline, an import that is not there, its own exit, a bad pointer given to an import
# that has no error to return.
_LOST = (wasmtime.Trap, wasmtime.WasmtimeError, TimeUp, ImportRefused, GuestExit, SysError)
_ROLLED_BACK = "the variables are as they were before"
_LONGEST_LOG = 1 << 16
_MOST_MOUNTS = 32  # each takes one of the process's descriptors
_CPU_MARGIN = 5.0  # seconds of processor time that a cell may take beyond its limits before the kernel ends it

T = TypeVar("T")


class Guest:
    """A restored interpreter. The zygote makes one; each session's process has its own copy, and opens it."""

    def __init__(self, image: Image) -> None:
        program = image.program()
        self.files = guest_files(image.library(), image.modules(), most_bytes=0)
        self.machine = Machine(program, self.files, lambda data: self.output.write(data), lambda at: self._answer(at))
        self.interpreter = Interpreter(self.machine, image.anchors)
        self.output = Output(Limits().output_bytes)
        self._refresh()  # what is touched here, no session has to touch

    def live(self, channel: Channel, lifeline: int) -> None:
        """Serve one session, in a process of its own, until it closes. `lifeline` hangs up when the zygote dies."""
        self.channel, self.lifeline = channel, lifeline
        self.alarm = select.poll()
        self.alarm.register(lifeline, 0)
        self.mounts = 0
        try:
            system_calls.forbid()
            self._refresh()
            self._open()
            self._serve()
        except Gone:
            pass
        except BaseException:  # noqa: BLE001 - the session shows it; nothing else can
            channel.send(Kind.BROKEN, traceback.format_exc()[-_LONGEST_LOG:].encode("utf-8", "replace"))

    def _refresh(self) -> None:
        native.start_on_large_stack(self.interpreter.refresh).result()

    def _open(self) -> None:
        """Wait to be handed out, and take on the limits of the session."""
        frame = self._receive()
        if frame.kind != Kind.LIMITS:
            raise Gone
        self.limits = limits = Limits(**json.loads(frame.payload))
        # Of each cell's process: the kernel's own stop behind the deadline.
        self.cpu_limit = math.ceil(limits.seconds + limits.grace_seconds + _CPU_MARGIN)
        confine_session(limits.memory_bytes, self.cpu_limit)
        self.output = Output(limits.output_bytes)
        self.machine.limit_memory(limits.memory_bytes)
        self.files.most_bytes = limits.file_bytes
        self.channel.send(Kind.READY)

    def _serve(self) -> None:
        while True:
            frame = self._receive()
            if frame.kind == Kind.TEXT:
                self._attempt(Kind.PLACED, lambda frame=frame: self._place(frame), _not_placed)
            elif frame.kind == Kind.MOUNT:
                self.channel.send(Kind.PLACED, _json(self._mount(frame)))
            elif frame.kind == Kind.CODE:
                source = frame.payload.decode("utf-8", "surrogatepass")
                self._attempt(Kind.RESULT, lambda source=source: self._run(source), self._not_run)
            elif frame.kind != Kind.REPLY:  # a reply is to the host call of a process that has died meanwhile
                raise Gone
            for descriptor in frame.descriptors:
                os.close(descriptor)

    def _mount(self, frame: Frame) -> dict[str, str]:
        """What is refused. No guest code runs: there is nothing to take back."""
        header: dict[str, Any] = json.loads(frame.payload)
        if self.mounts == _MOST_MOUNTS:
            return {"refused": f"a session may have {_MOST_MOUNTS} mounted files"}
        own = os.dup(frame.descriptors[0])
        try:
            self.files.mount(header["path"], own, header["size"])
        except SysError as error:
            os.close(own)
            return {"refused": f"{header['path']} cannot be mounted: {error}"}
        self.mounts += 1
        return {}

    def _attempt(self, kind: Kind, work: Callable[[], Outcome], died: Callable[[Death], dict[str, Any]]) -> None:
        """Answer a frame with the reply of `work`, and go on with its state if that is good."""
        reply = attempt(work)
        if isinstance(reply, Death):
            if self.alarm.poll(0):  # it died because the zygote did: so does this one
                raise Gone
            reply = _json(died(reply))
        self.channel.send(kind, reply)

    def _receive(self) -> Frame:
        self.channel.wait(self.lifeline)
        return self.channel.receive_with_descriptors()

    def _answer(self, argument: int) -> int:
        return self.interpreter.answer(argument, self._forward)

    def _in_guest(self, function: Callable[[], T]) -> T:
        """What enters the guest, within the limits of a cell."""

        def within_limits() -> T:
            with self.machine.deadline.running(self.limits.seconds, self.limits.grace_seconds):
                return function()

        self.machine.withdraw_interrupt()  # one that came as the last run ended
        future = native.start_on_large_stack(within_limits)
        while not wait([future], TICK).done:
            self.machine.deadline.check()
            if self.alarm.poll(0):
                os._exit(1)
        return future.result()

    def _place(self, frame: Frame) -> Outcome:
        """Bind a text. Guest code may run here: the finaliser of what the name stood for."""
        header: dict[str, Any] = json.loads(frame.payload)
        layout, length = Layout[header["layout"]], header["length"]
        (descriptor,) = frame.descriptors
        pieces = [mmap.mmap(descriptor, length * layout.width, prot=mmap.PROT_READ)] if length else []
        try:
            self._in_guest(
                lambda: self.interpreter.set_text(header["name"], layout, length, [memoryview(p) for p in pieces])
            )
        except TextTooLarge as error:
            return Outcome(_json({"too_large": str(error)}), kept=True)
        except _LOST as error:
            return Outcome(_json({"lost": f"{self._describe(error)}; {_ROLLED_BACK}"}), kept=False)
        return Outcome(_json({}), kept=True)

    def _run(self, source: str) -> Outcome:
        """One cell. The reply has the fields of a `CellResult`."""
        self.calls = 0
        self.machine.open_standard_streams()
        self.files.refused = None
        refusals = self.machine.heap.refusals
        kept, error, stopped = True, None, None
        try:
            failure = self._in_guest(lambda: self.interpreter.run(source))
        except _LOST as lost:
            kept, stopped = False, "time" if isinstance(lost, TimeUp) else "trap"
            error = f"{self._describe(lost)}; {_ROLLED_BACK} this cell\n"
        else:
            if failure:
                error = failure.traceback
                stopped = self._stopped(failure, self.machine.heap.refusals > refusals)
        seconds = self.machine.deadline.used
        error = cut(error, self.limits.output_bytes) + self._explain(stopped) if error else None
        fields = {"output": self.output.take(), "error": error, "stopped": stopped, "seconds": seconds}
        return Outcome(_json(fields), kept)

    def _stopped(self, failure: Failure, memory_refused: bool) -> Stopped | None:
        """The limit that a failure shows. The guest can raise these exceptions itself: the host's side must agree."""
        agreed: dict[str | None, tuple[Stopped | None, bool]] = {
            "interrupt": ("time", self.machine.deadline.interrupted),
            "memory": ("memory", memory_refused),
            "host_calls": ("host_calls", self.calls > self.limits.host_calls),
        }
        stopped, agrees = agreed.get(failure.stop, (None, False))
        return stopped if agrees else None

    def _explain(self, stopped: Stopped | None) -> str:
        limits = self.limits
        if not stopped:  # the cell's own error, which a limit may have led to
            return f"In the sandbox, {self.files.refused}.\n" if self.files.refused else ""
        explanations: dict[Stopped | None, str] = {
            "time": f"Stopped: a cell may compute for {limits.seconds:g} seconds.\n",
            "memory": f"Stopped: the sandbox has {limits.memory_bytes >> 20:,} MiB of memory.\n",
            "host_calls": f"Stopped: a cell may make {limits.host_calls:,} host calls.\n",
        }
        return explanations.get(stopped, "")

    def _describe(self, error: BaseException) -> str:
        if isinstance(error, TimeUp):
            return "the cell did not stop when it was interrupted"
        if isinstance(error, GuestExit):
            return f"the cell ended Python: {error}"
        if isinstance(error, ImportRefused):
            return f"the cell used what the sandbox does not have: {error}"
        return f"the cell crashed Python: {str(error).strip().splitlines()[-1]}"

    def _not_run(self, death: Death) -> dict[str, Any]:
        """The fields of a `CellResult` for a cell whose process died. Its output is lost with it."""
        stopped: Stopped = "time" if death.cpu_seconds >= self.cpu_limit else "worker"
        error = f"{death}; {_ROLLED_BACK} this cell\n{self._explain(stopped)}"
        return {"output": "", "error": error, "stopped": stopped, "seconds": death.cpu_seconds}

    def _forward(self, request: memoryview) -> bytes:
        """A host call to the session and back, or a refusal where the limits do not allow it."""
        limits = self.limits
        self.calls += 1
        if self.calls > limits.host_calls:
            return refusal("limit", f"a cell may make {limits.host_calls:,} host calls")
        if len(request) > limits.host_call_bytes:
            return refusal("refused", f"a host call may carry {limits.host_call_bytes:,} bytes, not {len(request):,}")
        self.channel.send(Kind.CALL, bytes(request))
        reply = self.channel.receive_with_descriptors()  # meanwhile the other thread looks whether the zygote lives
        if reply.kind != Kind.REPLY:
            raise Gone
        return reply.payload


def _not_placed(death: Death) -> dict[str, Any]:
    return {"lost": f"{death}; {_ROLLED_BACK}"}


def _json(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply).encode()
