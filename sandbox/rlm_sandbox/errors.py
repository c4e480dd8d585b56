"""What can go wrong in the sandbox.

    SandboxError
    ├── ImageError          the image cannot be fetched, checked or built; the message says what to do
    ├── MountRefused        a file cannot be mounted; the session continues
    ├── SessionBusy         the session is in use; it runs one thing at a time
    ├── SessionClosed       the session has ended (closed, killed, or its processes died)
    ├── TextLost            a text could not be bound; the session is as it was before
    ├── TextTooLarge        a text does not fit in the guest's memory limit
    └── HostCallRefused     raised by a host function; the guest sees `rlm_host.Refused`, and the session continues

Errors of model-written code are never raised: they are data in a `CellResult`. Whatever else a host function raises,
`Session.run` raises unchanged.
"""


class SandboxError(Exception):
    """The root: catch it to catch everything that the sandbox itself raises."""


class ImageError(SandboxError):
    """The image could not be fetched, verified, built or read."""


class MountRefused(SandboxError):  # noqa: N818
    """A path for `Session.mount` is taken, or there are too many files. The session continues."""


class SessionBusy(SandboxError):  # noqa: N818 - a state of the session, named as such
    """Another thread, or a host function of the running cell, already uses this session."""


class SessionClosed(SandboxError):  # noqa: N818
    """The session has ended; start another."""


class TextLost(SandboxError):  # noqa: N818
    """Binding a text ran guest code, the finaliser of the name's old value, which crashed, did not end, or took the
    process down. The session continues as it was before."""


class TextTooLarge(SandboxError):  # noqa: N818
    """A text for `Session.set_text` does not fit in the guest's memory limit. The session continues."""


class HostCallRefused(SandboxError):  # noqa: N818
    """Raise this in a host function to refuse a call: the message reaches the guest as `rlm_host.Refused`."""
