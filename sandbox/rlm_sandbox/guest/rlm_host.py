"""The guest's only way out: named functions of the host, called with JSON and answered with JSON."""

import json
from typing import Any

from _rlm_host import request


class Refused(RuntimeError):  # noqa: N818
    """The host refused the call; the message says why."""


class CallLimit(Refused):
    """The cell has made as many host calls as it may."""


_ERRORS: dict[str, type[Exception]] = {"refused": Refused, "limit": CallLimit, "arguments": TypeError}


def call(name: str, /, **arguments: Any) -> Any:
    """What the host's function `name` returns.

    Raises Refused when the host refuses or has no such function, CallLimit past the number of calls that a cell may
    make, TypeError when the arguments are not those of the function or are not JSON.
    """
    try:
        text = json.dumps({"name": name, "arguments": arguments}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{name}() takes what JSON can say: {error}") from None
    reply = json.loads(request(text))
    if "error" in reply:
        raise _ERRORS[reply["error"]](reply["message"])
    return reply["value"]
