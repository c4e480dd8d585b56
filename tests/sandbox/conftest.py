"""Sessions that close themselves."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from rlm_sandbox import Image, Limits, Session

NewSession = Callable[..., Session]


@pytest.fixture
def new_session(image: Image) -> Iterator[NewSession]:
    """Starts sessions: `new_session({"name": function}, seconds=1)` takes the host calls and fields of Limits."""
    with ExitStack() as stack:

        def start(calls: dict[str, Callable[..., Any]] | None = None, /, **limits: Any) -> Session:
            return stack.enter_context(Session(image, limits=Limits(**limits), host_calls=calls or {}))

        yield start


@pytest.fixture(scope="module")
def shared_session(image: Image) -> Iterator[Session]:
    """For cells that leave no trace and end no session."""
    with Session(image) as session:
        yield session
