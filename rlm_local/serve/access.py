"""Who asks, and whether they may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rlm_local.serve.errors import ForbiddenError, UnauthorizedError
from rlm_local.serve.keys import Scope

if TYPE_CHECKING:
    from rlm_local.serve.service import Service

_bearer = HTTPBearer(
    auto_error=False, description="A key made by `rlm-local keys make`. None is needed until one is made."
)


@dataclass(frozen=True)
class Caller:
    """Who sent a request: `owner` is what runs and files are kept under, `name` what the audit log says."""

    owner: str
    name: str
    scopes: frozenset[Scope]

    @property
    def sees(self) -> str | None:
        """The owner whose runs and files this caller sees; None: all."""
        return None if Scope.ADMIN in self.scopes else self.owner


LOCAL = Caller("local", "local", frozenset(Scope))
"""Whoever can reach a server that listens on this machine alone and for which no key was made."""


def service(request: Request) -> "Service":
    return request.app.state.service


def _needs(*scopes: Scope) -> Callable[..., Caller]:
    def caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Caller:
        use = service(request)
        if use.settings.loopback and not use.keys.any():
            return LOCAL
        text = credentials.credentials if credentials else ""
        key = use.keys.check(text)
        if key is None:
            what = "this key opens nothing" if text else "a key is needed"
            refusal = UnauthorizedError(what, remedy="Send `Authorization: Bearer KEY`", code="invalid_api_key")
        elif not key.scopes & {*scopes, Scope.ADMIN}:
            what = f"this key may not {' or '.join(scopes)}"
            refusal = ForbiddenError(what, remedy="Use one that may", code="missing_scope")
        else:
            caller = Caller(key.id, key.name, key.scopes)
            use.visits.log_in(caller)
            return caller
        use.visits.refuse(use.keys.claimed(text), request.client.host if request.client else "", refusal.code)
        raise refusal

    return caller


Member = Annotated[Caller, Depends(_needs(Scope.ASK, Scope.READ))]
"""Any key: what is served, and one's own files."""

Asker = Annotated[Caller, Depends(_needs(Scope.ASK))]
"""May ask and upload."""

Reader = Annotated[Caller, Depends(_needs(Scope.READ))]
"""May look into runs: its own, or all where it administers."""

Admin = Annotated[Caller, Depends(_needs(Scope.ADMIN))]
"""May see what concerns all keys."""
