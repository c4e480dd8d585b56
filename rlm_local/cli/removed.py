"""What a deletion took away, on stdout."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rlm_local.cli.terminal import clean, complain

if TYPE_CHECKING:
    from rlm_local.serve.erasure import Removed


def tell_removed(removed: "Removed", *, as_json: bool) -> None:
    """As JSON, or a line for each kind of thing; what is left goes to stderr."""
    if as_json:
        sys.stdout.write(f"{json.dumps(asdict(removed))}\n")
        return
    for what, names in (("run", removed.runs), ("file", removed.files), ("collection", removed.collections)):
        if names:
            sys.stdout.write(clean(f"{len(names):,} {what}{'s' * (len(names) > 1)} deleted: {', '.join(names[:20])}"))
            sys.stdout.write(", ...\n" if len(names) > 20 else "\n")
    if not (removed.runs or removed.files or removed.collections):
        sys.stdout.write("nothing was deleted\n")
        return
    sys.stdout.write(
        f"with them {removed.values:,} values of the log, {removed.leaf_answers:,} kept answers of leaf calls, "
        f"{removed.kv:,} files of KV\n"
    )
    for left in removed.left:
        complain(left)
