"""A server with a scripted model and the real sandbox, on a port of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from rlm_local.engine.engine import Engine
from rlm_local.engine.events import Listener
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import Model, resolve
from rlm_local.serve.claim import listen
from rlm_local.serve.engines import MakeEngine
from rlm_local.serve.server import Server
from rlm_local.serve.service import Service
from rlm_local.serve.settings import Settings
from rlm_local.vault import Key, Secret
from rlm_sandbox import Image
from tests.engine.records import DOCUMENTS
from tests.engine.script import writer

QUESTION = "How many visits to Surgery were cancelled?"
COUNT = "SELECT COUNT(*) FROM visits WHERE status = 'cancelled' AND department = 'Surgery'"


@dataclass
class Running:
    """A server that answers, and what it is made of."""

    service: Service
    url: str
    stop: Callable[[], None]

    def client(self, key: str | None = None) -> httpx2.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)


StartServer = Callable[..., Running]


def seal(home: Home) -> None:
    """Seals what will be kept in a new state directory; its key is known from then on."""
    home.lockbox.make(b"open sesame", Key.made())
    assert home.lockbox.key(Secret(ask=lambda _: "open sesame"))


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    for name, text in DOCUMENTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def start(image: Image, home: Home, records: Path) -> Iterator[StartServer]:
    """Starts servers; they go down when the test ends."""
    stops: list[Callable[[], None]] = []

    def start(model: Model | None = None, make: MakeEngine | None = None, **settings: object) -> Running:
        scripted = model or writer(COUNT)

        def of_script(_name: str, listener: Listener) -> Engine:
            return Engine.of(resolve("smollm2-135m"), scripted, image, RunStore(home.runs, home.key), listener)

        given = {"port": 0, "model": "smollm2-135m", "folders": (records,), "grace_seconds": 5.0, **settings}
        chosen = Settings(**given)  # pyright: ignore[reportArgumentType]
        service = Service(chosen, home, make or of_script)
        listener = listen(chosen)
        server = Server(service)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join(30)
            listener.close()

        stops.append(stop)
        running = Running(service, f"http://127.0.0.1:{listener.getsockname()[1]}", stop)
        with running.client() as client:
            end = time.monotonic() + 120
            while client.get("/ready").status_code != 200:
                assert time.monotonic() < end, client.get("/ready").text
                time.sleep(0.02)
        return running

    yield start
    for stop in stops:
        stop()


@pytest.fixture
def server(start: StartServer) -> Running:
    return start()


@pytest.fixture
def client(server: Running) -> Iterator[httpx2.Client]:
    with server.client() as client:
        yield client
