"""The coverage-guided fuzzer of the imports: `python -m tests.sandbox.fuzz_imports CORPUS [libFuzzer's options]`.

Needs atheris (`pip install atheris`). It runs until it finds something, which it writes to a file; put that file's
content into `test_imports.py`. `-max_total_time=1800` ends it after half an hour.
"""

import sys

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(include=["rlm_sandbox"]):  # pyright: ignore[reportUnknownMemberType]
    from tests.sandbox.hostile import play

if __name__ == "__main__":
    atheris.Setup(sys.argv, play)  # pyright: ignore[reportUnknownMemberType]
    atheris.Fuzz()  # pyright: ignore[reportUnknownMemberType]
