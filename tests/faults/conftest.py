"""The program over bad input, end to end but for the model, which is scripted."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rlm_local.cli.app import app
from rlm_local.cli.shared import Loading, Shared
from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Listener
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import Model, resolve
from rlm_sandbox import Image
from tests.engine.script import writer


class Program:
    """`rlm-local` with a scripted model, the real sandbox and a log of its own."""

    def __init__(self, image: Image, home: Path) -> None:
        self.image = image
        self.home = Home(home)
        self.model: Model = writer(reads="red")

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        use = Shared(self.home, self._make_engine)
        result = CliRunner().invoke(app, [*map(str, arguments)], obj=use, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    def answer(self, question: str, *paths: Path, stdin: str | None = None) -> dict[str, Any]:
        status, out, err = self("run", question, *(paths or ("-",)), "--json", stdin=stdin)
        assert status == 0, err
        return json.loads(out)

    @contextmanager
    def _make_engine(self, _loading: Loading, home: Home, listener: Listener) -> Generator[Engine]:
        store = RunStore(home.runs)
        with Engine.of(resolve("smollm2-135m"), self.model, self.image, store, listener) as engine:
            yield engine


@pytest.fixture
def program(image: Image, tmp_path: Path) -> Program:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Program(image, home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "records"
    path.mkdir()
    return path


Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(folder: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
