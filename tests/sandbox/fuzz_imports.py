"""The coverage-guided fuzzer of the imports: `python -m tests.sandbox.fuzz_imports FOLDER [libFuzzer's options]`.

Needs atheris (`pip install atheris`). The folder collects what covers anything new, beginning with `corpus.txt`: a line
of hexadecimal digits for each input, which `test_imports.py` plays too. It runs until it finds something, which it
writes to a file; put that file's content into the corpus. `-max_total_time=1800` ends it after half an hour.
"""

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rlm_sandbox"]):
    from tests.sandbox.hostile import CORPUS, play

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for data in CORPUS:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    atheris.Setup(sys.argv, play)
    atheris.Fuzz()
