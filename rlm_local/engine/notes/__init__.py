"""Summaries and open questions: notes are taken of each part by a child, and brought together by levels.

    part.py      what is read through, cut into parts; which of them stand for all
    point.py     a point: a sentence, and the places that it stands on
    prompts.py   what a model is asked
    notebook.py  a node's host calls: a child's notes of its part, a parent's of all parts, and what comes of them

Each point is checked: its numbers and names stand in the places that it cites, or it is dropped.
"""

from rlm_local.engine.notes.notebook import Notebook
from rlm_local.engine.notes.point import LENGTHS, Length, Point

__all__ = ["LENGTHS", "Length", "Notebook", "Point"]
