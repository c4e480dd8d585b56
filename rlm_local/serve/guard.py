"""What every request passes: it is addressed to this server, it comes from no other site, and its answer says so.

A web page of another site can make a browser send requests here. The `Host` that it names then is a name of its own
(DNS rebinding), or the `Origin` is; an IP address as `Host` cannot be rebound.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rlm_local.serve.errors import ForbiddenError, ServeError, TooLargeError
from rlm_local.serve.shapes import error_body

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """ASGI middleware around the whole application, and all that frameworks put around that.

    Args:
        hosts: names that the server goes by, beside IP addresses and localhost.
        most_bytes: of a body, claimed or not, by path; "" is any other path.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], most_bytes: Mapping[str, int]) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._hosts = {"localhost", *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        taken, most = 0, self._most(scope)

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(TooLargeError.status, _too_large(most))
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, bounded, guarded)
        else:
            await JSONResponse(error_body(refusal), refusal.status)(scope, receive, guarded)

    def _most(self, scope: Scope) -> int:
        return self._most_bytes.get(scope["path"], self._most_bytes[""])

    def _refusal(self, scope: Scope) -> ServeError | None:
        headers = Headers(scope=scope)
        claimed = headers.get("content-length", "0")
        most = self._most(scope)
        if not claimed.isdecimal() or int(claimed[:20]) > most:
            return TooLargeError(_too_large(most), code="too_large")
        foreign = self._foreign(scope, headers)
        return ForbiddenError(foreign, code="foreign_request") if foreign else None

    def _foreign(self, scope: Scope, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if not self._ours(_name(host)):
            return "this server does not go by that name. Start it with `--allow-host NAME`"
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"{scope['scheme']}://{host}".lower():
            return "a page of another site may not ask here"
        if origin is None and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return None if headers.get("sec-fetch-mode") == "navigate" else "a page of another site may not ask here"
        return None

    def _ours(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._hosts
        return True


def _too_large(most: int) -> str:
    return f"a body here has at most {most >> 20} MB"


def _name(host: str) -> str:
    """A Host header without its port; empty where it is none."""
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::\d+)?", host.lower())
    return (found[1] or found[2]) if found else ""
