"""Puts the seconds so far before each line of a program that says `$ COMMAND` before each of its steps, and says how
long a step took: waiting for downloads, and without that. Standard input to standard output.

A download lasts from a line that tells of it to the next line; with pip that includes finding out what to fetch.
"""

import sys
import time

DOWNLOADS = (
    "fetching ",
    "downloading ",
    "Collecting ",
    "Downloading ",
    "Obtaining dependency ",
    "Installing build dependencies",
)
STEP = "$ "


def main() -> None:
    began = last = step = time.monotonic()
    waited, waiting, in_step = 0.0, False, False

    def end_of_step(now: float) -> None:
        if in_step:
            print(f"== {now - step - waited:.1f} s, and {waited:.1f} s of downloads", flush=True)

    for line in sys.stdin:
        now = time.monotonic()
        waited += now - last if waiting else 0.0
        last, waiting = now, line.strip().startswith(DOWNLOADS)
        if line.startswith(STEP):
            end_of_step(now)
            step, waited, in_step = now, 0.0, True
        print(f"{now - began:7.1f}  {line}", end="", flush=True)
    end_of_step(time.monotonic())


if __name__ == "__main__":
    main()
