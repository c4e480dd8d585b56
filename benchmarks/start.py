"""What a question costs beside its answer: the whole command, beside the time that the engine reports.

    python benchmarks/start.py [-n RUNS] [--model NAME]

Asks a question about `examples/records` with `rlm-local run`, once to have everything kept that is kept and then RUNS
times, and prints the seconds of the whole command, those that the engine reports of it, and their difference. Then how
long each part of a start takes alone, in a process of its own, on the wall and by the processor, which others on the
machine disturb less. In the command, the model's process does its parts while the other one does the rest.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

QUESTION = ("How many Neurology visits in 2024 ended as a no-show?", "examples/records")
HOME = "from rlm_local.home import Home; home = Home.default()"
LIBRARY = f"{HOME}; from rlm_local.models.native import prepare"
PATH = f'{HOME}; path = home.models / "{{model}}.gguf"'

PARTS = {
    "imports before the model's process begins": ("", "import rlm_local.cli.app, rlm_local.engine.parts"),
    "imports of the engine after that": (
        "import rlm_local.cli.app, rlm_local.engine.parts",
        "import rlm_local.engine.engine",
    ),
    "the sandbox": (f"{HOME}; from rlm_sandbox import Pool, ensure_image", "pool = Pool(ensure_image(home.image))"),
    "imports of the model's process": ("", "import rlm_local.models.local.worker"),
    "llama.cpp's library": (LIBRARY, "prepare(home)"),
    "weights, vocabulary and context": (
        f"{LIBRARY}; {PATH}; prepare(home); from rlm_local.models import LlamaEngine",
        'model = LlamaEngine(path, name="{model}")',
    ),
    "the documents as a collection": (
        f"{HOME}; from rlm_local.collection import Collection",
        'Collection.open(["examples/records"], home=home)',
    ),
}
"""Part: what comes before it, and what is timed."""


def command(model: str) -> tuple[float, float]:
    """Seconds of the whole command, and those that the engine reports."""
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, "-m", "rlm_local", "run", *QUESTION, "--json", "--model", model],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began, json.loads(done.stdout)["usage"]["seconds"]


def part(before: str, what: str) -> tuple[float, float]:
    """Seconds that `what` takes in a new process, after `before`: on the wall, and by that process's processor."""
    clocks = "time.perf_counter(), time.process_time()"
    program = f"import os, time\n{before}\nbegan = {clocks}\n{what}\nended = {clocks}"
    program += "\nprint(ended[0] - began[0], ended[1] - began[1])"
    program += "\nos.sys.stdout.flush(); os._exit(0)"  # without the interpreter's own end beside native threads
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    wall, processor = map(float, done.stdout.split())
    return wall, processor


def line(name: str, seconds: Sequence[float], processor: Sequence[float] = ()) -> str:
    by_processor = f"   by processor {statistics.median(processor):.2f} s" if processor else ""
    return f"{name:45} {statistics.median(seconds):6.2f} s   {min(seconds):.2f} to {max(seconds):.2f}{by_processor}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, help="how many times each is timed")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    asked = parser.parse_args()
    command(asked.model)
    whole, reported = zip(*(command(asked.model) for _ in range(asked.n)), strict=True)
    print(line("the whole command", whole))
    print(line("what the engine reports", reported))
    print(line("the difference", [one - other for one, other in zip(whole, reported, strict=True)]))
    print()
    for name, (before, what) in PARTS.items():
        before, what = (each.replace("{model}", asked.model) for each in (before, what))
        print(line(name, *zip(*(part(before, what) for _ in range(asked.n)), strict=True)), flush=True)


if __name__ == "__main__":
    main()
