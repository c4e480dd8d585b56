"""A server whose model never finishes its first plan: `python -m tests.serve.stuck IMAGES FOLDER PORT`."""

import sys
import threading
from pathlib import Path

from rlm_local.engine.engine import Engine
from rlm_local.home import Home
from rlm_local.log import RunStore
from rlm_local.models import resolve
from rlm_local.serve.claim import listen, only_one
from rlm_local.serve.server import serve
from rlm_local.serve.service import Service
from rlm_local.serve.settings import Settings
from rlm_sandbox import ensure_image
from tests.models.fakes import ScriptedModel


def main(images: Path, folder: Path, port: int) -> None:
    home = Home.default()
    image = ensure_image(images)

    def wait(*_: object) -> str:
        threading.Event().wait()
        raise AssertionError

    def make(*_: object) -> Engine:
        return Engine.of(resolve("smollm2-135m"), ScriptedModel(slot=wait, write=wait), image, RunStore(home.runs))

    settings = Settings(port=port, model="smollm2-135m", folders=(folder,), at_once=2)
    with only_one(home), listen(settings) as listener:
        serve(Service(settings, home, make), listener)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
