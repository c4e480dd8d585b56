"""The sandbox: Python that a model wrote, run in Pyodide inside Wasmtime, in a process of its own. Nothing else is.

image = ensure_image(directory)
with Pool(image) as pool, Session(pool, host_calls={"double": lambda number: 2 * number}) as session:
    session.set_text("context", text)
    result = session.run("import rlm_host; rlm_host.call('double', number=len(context))")
"""

from rlm_sandbox.child import capabilities
from rlm_sandbox.errors import (
    HostCallRefused,
    ImageError,
    MountRefused,
    SandboxError,
    SessionBusy,
    SessionClosed,
    TextLost,
    TextTooLarge,
)
from rlm_sandbox.image import Image, Progress, ensure_image
from rlm_sandbox.limits import CellResult, Limits
from rlm_sandbox.pool import Pool
from rlm_sandbox.session import Json, Session

__all__ = [
    "CellResult",
    "HostCallRefused",
    "Image",
    "ImageError",
    "Json",
    "Limits",
    "MountRefused",
    "Pool",
    "Progress",
    "SandboxError",
    "Session",
    "SessionBusy",
    "SessionClosed",
    "TextLost",
    "TextTooLarge",
    "capabilities",
    "ensure_image",
]
