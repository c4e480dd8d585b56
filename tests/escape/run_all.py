"""`python -m tests.escape.run_all IMAGE_DIRECTORY`: every attempt, in sessions of one pool. What comes of them is not
looked at: whoever runs this looks at the processes."""

import sys
from pathlib import Path

from rlm_sandbox import Pool, Session, ensure_image
from tests.escape.attempts import ATTEMPTS, SETUP

if __name__ == "__main__":
    with Pool(ensure_image(Path(sys.argv[1]))) as pool:
        for attempt in ATTEMPTS:
            with Session(pool, limits=attempt.limits, host_calls={"echo": lambda value: value}) as session:
                session.run(SETUP.format("/etc/passwd", "22"))
                session.run(attempt.code)
