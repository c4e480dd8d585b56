"""What encryption at rest costs: `python benchmarks/sealed.py [-n PAIRS] [--model NAME] [--megabytes SIZE]`.

Makes a state directory in which a question was asked, and a copy of it that `rlm-local encrypt` seals. Then does the
same in both, in turn, each time in a process of its own: reads `examples/records` into a new collection; looks into the
kept one with the tools of a cell, which a model's time would hide; asks the question again of an engine that has
answered it once; and gives the whole command `rlm-local run`, which in the sealed one begins with the passphrase. With
a size, the documents are a folder of made texts and tables instead. Prints the median seconds of each, and of sealed by
plain, pair by pair, the median, the least and the most.
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
from random import Random

from served import borrow

from rlm_local.vault import KEY_FILE_VARIABLE

RECORDS = ("How many Neurology visits in 2024 ended as a no-show?", "examples/records")
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
_LOOK = """
import sys, time
from rlm_local.collection import Collection
from rlm_local.collection.view import View
from rlm_local.engine.toolbox import open_session
from rlm_local.home import Home
from rlm_sandbox import ensure_image
home = Home.default()
home.key
image = ensure_image(home.image)
began = time.perf_counter()
with Collection.open([sys.argv[2]], home=home) as collection:
    view, table = View(collection), collection.tables[0]
    query = f'SELECT "{table.columns[-1].name}", COUNT(*) FROM "{table.name}" GROUP BY 1 ORDER BY 2 DESC'
    with open_session(view, image, 600, {}) as session:
        done = session.run(f"len(sql({query!r}))")
        assert done.error is None, done.error
    for word in sys.argv[1].split():
        view.search(word, 6)
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


def main(pairs: int, model: str, megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain, sealed = Path(folder) / "plain", Path(folder) / "sealed"
        plain.mkdir()
        asked = made(Path(folder) / "documents", megabytes) if megabytes else RECORDS
        borrow(plain)
        command(plain, "run", *asked, "--model", model)
        shutil.copytree(plain, sealed, symlinks=True)
        (Path(folder) / "passphrase").write_text("open sesame")
        command(sealed, "encrypt")
        print(f"{'seconds':20} {'plain':>8} {'sealed':>8} {'sealed / plain':>20}", flush=True)
        parts: dict[str, Callable[[Path], float]] = {
            "ingest": lambda home: program(home, _INGEST, *asked),
            "look": lambda home: program(home, _LOOK, *asked),
            "question": lambda home: program(home, _QUESTION, *asked, model),
            "restart and question": lambda home: command(home, "run", *asked, "--model", model),
        }
        for name, take in parts.items():
            took = [(take(plain), take(sealed)) for _ in range(pairs)]
            one, other = (statistics.median(each) for each in zip(*took, strict=True))
            shares = sorted(after / before for before, after in took)
            told = f"{statistics.median(shares):.2f} ({shares[0]:.2f} to {shares[-1]:.2f})"
            print(f"{name:20} {one:8.2f} {other:8.2f} {told:>20}", flush=True)


def made(folder: Path, megabytes: int) -> tuple[str, str]:
    """A question, and a folder of that size to ask it of: half of it texts, half a table."""
    folder.mkdir()
    random = Random(megabytes)
    words = ["".join(random.choices("aeioubdgklmnprstv", k=random.randrange(3, 11))) for _ in range(20_000)]
    for number in range(megabytes // 2):
        texts = (" ".join(random.choices(words, k=120)) for _ in range(1_200))
        (folder / f"{number}.txt").write_text("\n\n".join(texts))
    with (folder / "loans.csv").open("w") as table:
        table.write("id,day,member,title,fine,branch\n")
        for number in range(megabytes * 8_000):
            day = f"{random.randrange(2015, 2025)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
            title, branch = " ".join(random.choices(words, k=3)), random.choice(("Harbour", "Hillside", "Mill", "Park"))
            table.write(f"L-{number},{day},M-{random.randrange(9_000)},{title},{random.randrange(90) / 10},{branch}\n")
    return "How many loans were there at the Harbour branch?", str(folder)


def program(home: Path, text: str, *arguments: str) -> float:
    """The seconds that a program prints."""
    return float(python(home, "-c", text, *arguments))


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
    parser.add_argument("--megabytes", type=int, default=0, help="of made documents, instead of examples/records")
    given = parser.parse_args()
    main(given.n, given.model, given.megabytes)
