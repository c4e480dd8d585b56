"""Summaries and open questions: a child takes notes of each part, and the notes are merged, level by level.

    part.py      cuts what is to be read into parts, and chooses a sample of them
    point.py     a point: a sentence, and the places that it rests on
    prompts.py   what a model is asked
    notebook.py  a node's host calls: a child takes notes of its part; a parent has them taken, and merges them

Each point is checked: if its numbers and names do not stand in the places that it cites, it is dropped.
"""

from rlm_local.engine.notes.notebook import Notebook
from rlm_local.engine.notes.point import LENGTHS, Length, Point

__all__ = ["LENGTHS", "Length", "Notebook", "Point"]
