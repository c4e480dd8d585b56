"""What encryption at rest costs: `python benchmarks/sealed.py [-n PAIRS] [--model NAME]`.

Makes a state directory in which a question was asked, and a copy of it that `rlm-local encrypt` seals. Then does the
same in both, in turn, each time in a process of its own: reads `examples/records` into a new collection; asks the
question again of an engine that has answered it once; and gives the whole command `rlm-local run`, which in the sealed
one begins with the passphrase. Prints the median seconds of each, and of sealed by plain, pair by pair, the median, the
least and the most.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from served import borrow

from rlm_local.vault import KEY_FILE_VARIABLE

ASKED = ("How many Neurology visits in 2024 ended as a no-show?", "examples/records")
_INGEST = """
import os, sys, time
from rlm_local.collection import Collection
from rlm_local.home import Home
home = Home.default()
home.key
began = time.perf_counter()
Collection.open([sys.argv[2]], home=home, name=f"new-{os.getpid()}").close()
print(time.perf_counter() - began)
"""
_QUESTION = """
import sys, time
from rlm_local import Engine
with Engine(sys.argv[3]) as engine:
    engine.ask(sys.argv[1], [sys.argv[2]])
    began = time.perf_counter()
    engine.ask(sys.argv[1], [sys.argv[2]])
    print(time.perf_counter() - began)
"""


def main(pairs: int, model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain, sealed = Path(folder) / "plain", Path(folder) / "sealed"
        plain.mkdir()
        borrow(plain)
        command(plain, "run", *ASKED, "--model", model)
        shutil.copytree(plain, sealed, symlinks=True)
        (Path(folder) / "passphrase").write_text("open sesame")
        command(sealed, "encrypt")
        print(f"{'seconds':20} {'plain':>8} {'sealed':>8} {'sealed / plain':>20}", flush=True)
        parts: dict[str, Callable[[Path], float]] = {
            "ingest": lambda home: program(home, _INGEST, model),
            "question": lambda home: program(home, _QUESTION, model),
            "restart and question": lambda home: command(home, "run", *ASKED, "--model", model),
        }
        for name, take in parts.items():
            took = [(take(plain), take(sealed)) for _ in range(pairs)]
            one, other = (statistics.median(each) for each in zip(*took, strict=True))
            shares = sorted(after / before for before, after in took)
            told = f"{statistics.median(shares):.2f} ({shares[0]:.2f} to {shares[-1]:.2f})"
            print(f"{name:20} {one:8.2f} {other:8.2f} {told:>20}", flush=True)


def program(home: Path, text: str, model: str) -> float:
    """The seconds that a program prints."""
    return float(python(home, "-c", text, *ASKED, model))


def command(home: Path, *arguments: str) -> float:
    """The seconds that a whole command takes."""
    began = time.perf_counter()
    python(home, "-m", "rlm_local", *arguments)
    return time.perf_counter() - began


def python(home: Path, *arguments: str) -> str:
    """What it prints, with a state directory and, if that is sealed, the passphrase."""
    env = {**os.environ, "RLM_LOCAL_HOME": str(home), KEY_FILE_VARIABLE: str(home.parent / "passphrase")}
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, help="how many pairs of each")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    given = parser.parse_args()
    main(given.n, given.model)
