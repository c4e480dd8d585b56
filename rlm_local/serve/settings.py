"""What a server is told when it starts."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The limits of a server, and what it serves.

    Attributes:
        model: that a request gets which names none; a name of the catalog or the path of a GGUF file.
        policy, price: likewise, as for `Engine.ask`.
        folders: by name, what the administrator shares with every key that may ask.
        watch: whether what changes in them is read as it changes, and not when a question needs it.
        at_once: runs at the same time; each has a sandbox of its own.
        queue: runs that wait; more are refused.
        per_key: runs of one key, under way and waiting.
        context: tokens that the model may hold at a time; None for what suits model and machine.
        idle_seconds: after which a model that nobody asks gives its memory back.
        grace_seconds: for runs to end by themselves when the server goes down; then they are cancelled.
        body_bytes, upload_bytes: the largest body, and the largest file.
        retention_seconds: after which runs go, with all that was derived from them, and uploads that no later run is
            over; None keeps them until they are deleted.
        quota_bytes: of all files of a key, texts in its messages included.
        question_bytes: of all files that one question names.
        connections: at the same time; beyond it, whoever owes the rest of a request for longest is dropped.
        patience_seconds: for a request to come, and twice as many for a client to read on.
        audit_texts: whether the audit log has questions and names of files as they are, not as keyed hashes; then a
            deletion leaves them there.
        hosts: names by which the server may be addressed, beside IP addresses and localhost.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    model: str = "qwen2.5-coder-1.5b"
    policy: str | None = None
    price: str | None = None
    context: int | None = None
    folders: tuple[Path, ...] = ()
    watch: bool = False
    at_once: int = 4
    queue: int = 64
    per_key: int = 16
    idle_seconds: float = 900.0
    grace_seconds: float = 30.0
    body_bytes: int = 32 << 20
    upload_bytes: int = 256 << 20
    retention_seconds: float | None = None
    quota_bytes: int = 4 << 30
    question_bytes: int = 512 << 20
    connections: int = 512
    patience_seconds: float = 30.0
    audit_texts: bool = False
    hosts: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{'https' if self.tls_certificate else 'http'}://{host}:{self.port}/"
