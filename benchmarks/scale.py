"""How time and memory grow with the records: a needle and a count over a log of 40 kB, 4 MB and 10 MB.

    python benchmarks/scale.py [--model NAME]

Prints a line per size and question: right or wrong, seconds, tokens evaluated; and at the end the peak memory of the
process; the sandbox worker beside it has a limit of its own of 1 GB.
"""

import argparse
import random
import resource
import time

from rlm_local import Engine

SIZES = (40_000, 4_000_000, 10_000_000)
NEEDLE = "2024-05-17 11:42:07 INFO lamp store: the spare lens of the north beacon lies in locker 58, third shelf\n"
EVENTS = ("door opened", "door closed", "battery low", "pump started", "pump stopped", "heartbeat", "valve stuck")


def log(size: int) -> tuple[str, int]:
    """A log of about `size` characters, and how many errors of unit beacon-7 it holds."""
    rng = random.Random(size)
    lines: list[str] = []
    length = wanted = 0
    while length < size:
        level, unit = rng.choice(("INFO", "INFO", "WARN", "ERROR")), f"beacon-{rng.randrange(1, 40)}"
        stamp = (
            f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 28):02} {rng.randrange(24):02}:{rng.randrange(60):02}:00"
        )
        lines.append(f"{stamp} {level} unit={unit} {rng.choice(EVENTS)} code={rng.randrange(1000)}\n")
        wanted += level == "ERROR" and unit == "beacon-7"
        length += len(lines[-1])
    lines.insert(len(lines) // 2, NEEDLE)
    return "".join(lines), wanted


def main() -> None:
    """Ask both questions at every size, in one process, after a first one that warms the kept prompts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    with Engine(parser.parse_args().model) as engine:
        engine.ask("How many ERROR lines are there?", {"warm.log": log(20_000)[0]})
        for size in SIZES:
            text, wanted = log(size)
            for question, gold in (
                ("In which locker does the spare lens of the north beacon lie?", "58"),
                ("How many ERROR lines did unit beacon-7 write?", str(wanted)),
            ):
                started = time.monotonic()
                answer = engine.ask(question, {"beacons.log": text})
                right = "right" if gold in answer.answer else "wrong"
                seconds = time.monotonic() - started
                print(
                    f"{size:>12,} {right} {seconds:6.1f} s {answer.usage.prompt_tokens:>6} tokens  {question}",
                    flush=True,
                )
    print(f"peak memory of the engine: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
