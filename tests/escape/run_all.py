"""`python -m tests.escape.run_all IMAGE_DIRECTORY`: every attempt, in sessions of one pool. What comes of them is not
looked at: whoever runs this looks at the processes."""

import sys
from pathlib import Path

from rlm_sandbox import Pool, ensure_image
from tests.escape.attempts import ATTEMPTS, collection, session

if __name__ == "__main__":
    with Pool(ensure_image(Path(sys.argv[1]))) as pool, collection() as database:
        for attempt in ATTEMPTS:
            with session(attempt, pool, database, ("/etc/passwd", "22"), repr) as opened:
                opened.run(attempt.code)
