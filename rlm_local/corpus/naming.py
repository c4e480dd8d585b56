"""Names of item sets, from those of the files that they come from."""

import re

from rlm_local.corpus.field import field_name


def stem(name: str) -> str:
    """A name without numbers and dates: "visits_2023" is "visits"."""
    return re.sub(r"(?:^|_)n?\d\w*", "", name).strip("_")


def common_name(name: str, other: str, folder: str) -> str:
    """A name for what comes from two files: what their names share, or else that of their folder."""
    if name == other:
        return name
    shared: list[str] = []
    for mine, yours in zip(stem(name).split("_"), stem(other).split("_"), strict=False):
        if mine != yours or not mine:
            break
        shared.append(mine)
    return "_".join(shared) or (field_name(folder.rpartition("/")[2]) if folder else name)
