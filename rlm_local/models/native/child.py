"""The program that a trial runs: loads a library, decodes made weights, and says each thing as it is known.

A line of JSON each: `variant`, `devices`, `logits`, or `error`. Whatever goes wrong below C ends it without one.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from rlm_local.models.devices import devices
from rlm_local.models.errors import ModelError
from rlm_local.models.llama import Batch, Context, Weights
from rlm_local.models.native import made
from rlm_local.models.native.library import Library
from rlm_local.models.native.process import use

PROMPT = tuple(7 + 5 * place for place in range(40))
NEXT = 3
LOGITS = 8  # how many of the first ones are told


def main(asked: str) -> None:
    folder, origin, variant, extra_buffers = json.loads(asked)
    library = Library(Path(folder), origin, variant, extra_buffers)
    try:
        use(library)
        _say(variant=_loaded_variant(library))
        _say(logits=_logits())
    except ModelError as error:
        _say(error=error.message)


def _say(**what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()  # the next thing that happens may be a signal


def _loaded_variant(library: Library) -> str:
    """Which of the folder's builds for processors is in this process; empty where that cannot be told."""
    try:
        mapped = Path("/proc/self/maps").read_text()
    except OSError:
        return library.variant
    return next((name for name in library.variants if f"/libggml-cpu-{name}.so\n" in mapped), "")


def _logits() -> list[list[float]]:
    """After the prompt, and after one more token in a sequence that shares it."""
    found = devices()
    _say(devices=len(found))
    with tempfile.TemporaryDirectory(prefix="rlm-local-") as name:
        path = Path(name) / "made.gguf"
        made.write(path)
        weights = Weights(path, offloaded=2 if found else 0)
    context = Context(weights, cells=256, sequences=2, batch=len(PROMPT), threads=2)
    batch = Batch(len(PROMPT))
    row = batch.add(0, 0, np.asarray(PROMPT, np.int32), wanted=True)
    context.decode(batch)
    first = context.logits(row)[:LOGITS].tolist()
    context.copy(0, 1, len(PROMPT))
    batch.clear()
    row = batch.add(1, len(PROMPT), np.asarray([NEXT], np.int32), wanted=True)
    context.decode(batch)
    second = context.logits(row)[:LOGITS].tolist()
    context.close()
    weights.close()
    return [first, second]


if __name__ == "__main__":
    main(sys.argv[1])
