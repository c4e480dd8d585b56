"""What can go wrong between a request and its run, as a tree; each error knows its HTTP status.

    RlmLocalError
      ServeError
        BadRequestError    400  the request asks for what there is not
        UnauthorizedError  401  no key, or one that is not known or revoked
        ForbiddenError     403  a key without the scope, or a page of another site
        NotFoundError      404  no such run, file, model; or another key's
        TooLargeError      413  the body is larger than it may be
        BusyError          429  the queue is full, or this key's share of it
        NotReadyError      503  the model is being loaded, or the server is going down

What the engine raises keeps its own class; `as_serve_error` says what a client is told of it.
"""

from rlm_local.collection.errors import CollectionError
from rlm_local.errors import RlmLocalError, StoreError, UsageError


class ServeError(RlmLocalError):
    """A request that is not answered, in OpenAI's terms: `kind` is the error's `type`, `code` its `code`."""

    status = 500
    kind = "server_error"

    def __init__(self, message: str, *, remedy: str = "", code: str = "", param: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.param = param


class BadRequestError(ServeError):
    """The request asks for what there is not."""

    status = 400
    kind = "invalid_request_error"


class UnauthorizedError(ServeError):
    """No key, or one that is not known or revoked."""

    status = 401
    kind = "authentication_error"


class ForbiddenError(ServeError):
    """A key without the scope, or a page of another site."""

    status = 403
    kind = "permission_error"


class NotFoundError(ServeError):
    """No such thing, or another key's: which of both is not said."""

    status = 404
    kind = "invalid_request_error"


class TooLargeError(ServeError):
    """The body is larger than it may be."""

    status = 413
    kind = "invalid_request_error"


class BusyError(ServeError):
    """The queue is full. `retry_after` is in seconds."""

    status = 429
    kind = "rate_limit_error"
    retry_after = 5


class NotReadyError(ServeError):
    """The model is being loaded, or the server is going down."""

    status = 503
    kind = "service_unavailable"
    retry_after = 5


def as_serve_error(error: Exception) -> ServeError:
    """What a client is told about an error; of one that nobody foresaw, that it happened."""
    if isinstance(error, ServeError):
        return error
    if isinstance(error, UsageError | CollectionError):
        return BadRequestError(error.message, remedy=error.remedy)
    if isinstance(error, StoreError):
        return ServeError(error.message, remedy=error.remedy, code="storage")
    if isinstance(error, RlmLocalError):
        return ServeError(error.message, remedy=error.remedy)
    return ServeError("the server failed; its log says where", code="internal")
