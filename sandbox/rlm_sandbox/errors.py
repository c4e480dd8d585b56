"""What can go wrong in the sandbox.

    SandboxError
    ├── ImageError          the Pyodide image cannot be had; the message says what to do
    ├── MountRefused        a file that cannot be mounted; the session goes on
    ├── SessionBusy         a session runs one thing at a time
    ├── SessionClosed       the session has ended (closed, killed, or its processes died)
    ├── TextLost            a text that could not be bound; the session is as it was
    ├── TextTooLarge        a text that the guest's memory limit cannot hold
    └── HostCallRefused     raised by a host function: the guest sees `rlm_host.Refused`, the session goes on

What model-written code did wrong is never raised: it is data in a `CellResult`. Whatever else a host function
raises passes through `Session.run` unchanged.
"""


class SandboxError(Exception):
    """The root: catch it to catch everything that the sandbox itself raises."""


class ImageError(SandboxError):
    """The image could not be fetched, verified, built or read."""


class MountRefused(SandboxError):  # noqa: N818
    """`Session.mount` was given a path that is taken, or more files than a session may have. The session goes on."""


class SessionBusy(SandboxError):  # noqa: N818 - a state of the session, named as such
    """Another thread, or a host function of the running cell, already uses this session."""


class SessionClosed(SandboxError):  # noqa: N818
    """The session has ended; start another."""


class TextLost(SandboxError):  # noqa: N818
    """Binding the text ran guest code, the finaliser of what the name stood for, that crashed, did not end, or took the
    process down. The session goes on as it was before."""


class TextTooLarge(SandboxError):  # noqa: N818
    """`Session.set_text` was given more than the guest's memory limit leaves room for. The session goes on."""


class HostCallRefused(SandboxError):  # noqa: N818
    """Raise this in a host function to refuse a call: the message reaches the guest as `rlm_host.Refused`."""
