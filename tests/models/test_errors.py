"""Errors of models pass from one process to another as they are."""

import pickle

import pytest

from rlm_local.models import errors
from rlm_local.models.errors import ModelError, PromptTooLong, ServerError
from rlm_local.models.result import Usage


def made(kind: type[ModelError]) -> ModelError:
    if kind is PromptTooLong:
        return PromptTooLong(10, 5)
    if kind is ServerError:
        return ServerError("it refuses", remedy="Ask later", status=503)
    return kind("it broke", remedy="Mend it")


KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ModelError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_passes_with_all_that_it_says(kind: type[ModelError]):
    error = made(kind)
    error.usage = Usage(prompt_tokens=7)
    passed = pickle.loads(pickle.dumps(error))
    assert type(passed) is kind
    assert str(passed) == str(error)
    assert vars(passed) == vars(error)
