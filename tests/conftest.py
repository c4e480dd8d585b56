"""llama.cpp's library and the sandbox image, one for all tests, kept between runs; and no deadlines for examples."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from rlm_local.home import Home
from rlm_local.models.native import VARIABLE, prepare
from rlm_sandbox import Image, ensure_image

settings.register_profile("rlm", deadline=None, derandomize=bool(os.environ.get("CI")))  # a change is judged, not luck
settings.load_profile("rlm")

os.environ[VARIABLE] = str(
    prepare(Home.default()).folder
)  # programs that tests start have state directories of their own


@pytest.fixture(scope="session")
def image_directory(pytestconfig: pytest.Config) -> Path:
    home = os.environ.get("RLM_LOCAL_HOME")
    return Path(home) / "image" if home else pytestconfig.cache.mkdir("sandbox") / "image"


@pytest.fixture(scope="session")
def image(image_directory: Path) -> Image:
    return ensure_image(image_directory)
