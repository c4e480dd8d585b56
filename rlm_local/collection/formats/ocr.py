"""What is written in a picture, by rapidocr: its networks are files of the package, and nothing is fetched."""

import importlib
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from rlm_local.collection.errors import Needs
from rlm_local.collection.formats.layout import SOFT, Piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    """height x width x 3, blue, green, red, as OpenCV has them."""

MOST_PIXELS = 3_000_000
"""Pixels that a picture is read with, a page at 190 dots an inch; a larger one is made smaller first."""

LEAST_PIXELS = 300_000
"""Pixels that a small picture is made larger to, at most twice as wide and high: letters of a screen are small."""

MOST_SIDE = 8_000
"""Pixels of the longer side."""

_THREADS = 2
_TALL = 1.5
_UNSURE = 0.75
_LEVEL = 0.3
_ONE_SIZE = 0.3


@cache
def _engine() -> Any:
    """The reader, made once a process.

    Raises:
        Needs: rapidocr is not installed.
    """
    try:
        library: Any = importlib.import_module("rapidocr")
    except ImportError:
        raise Needs("pip install 'rlm-local[ocr]'") from None
    models = Path(library.__file__).parent / "models"
    # The networks are named by their files because a reader that is told none asks the network for missing ones.
    networks = {part: next(iter(sorted(models.glob(f"*_{part.lower()}_*.onnx")))) for part in ("Det", "Cls", "Rec")}
    return library.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": MOST_SIDE,
            "Det.limit_type": "max",  # the pictures are of the right size already
            "Det.limit_side_len": MOST_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": _THREADS,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **{f"{part}.model_path": str(path) for part, path in networks.items()},
        }
    )


def scale(width: float, height: float) -> float:
    """What a picture's sides are multiplied by so that it can be read."""
    fitting = min(math.sqrt(MOST_PIXELS / (width * height)), MOST_SIDE / max(width, height))
    return min(fitting, max(1.0, min(2.0, math.sqrt(LEAST_PIXELS / (width * height)))))


def written(pixels: "Pixels") -> list[Piece]:
    """The lines of a picture that `scale` fits, as pieces with places in pixels; a turned one is turned back.

    Raises:
        Needs: rapidocr is not installed.
    """
    lines = _lines(pixels)
    if sum(line.height > _TALL * line.width for line in lines) > len(lines) / 2:
        lines = max(_lines(pixels, 1), _lines(pixels, 3), key=_sureness)
    elif lines and sum(line.score * len(line.text) for line in lines) < _UNSURE * sum(len(line.text) for line in lines):
        lines = max(lines, _lines(pixels, 2), key=_sureness)
    return _pieces(lines)


class _Line:
    """One line as it was found: its corners, clockwise from the upper left one, what it says and how sure that is."""

    def __init__(self, corners: Any, text: str, score: float) -> None:
        points = [(float(x), float(y)) for x, y in corners]
        self.text = " ".join(text.split())
        self.score = score
        self.middle = fmean(x for x, _ in points), fmean(y for _, y in points)
        self.width = math.dist(points[0], points[1])
        self.height = math.dist(points[0], points[3])
        self.angle = math.atan2(points[1][1] - points[0][1], points[1][0] - points[0][0])


def _lines(pixels: "Pixels", turns: int = 0) -> list[_Line]:
    """The lines of a picture that is turned by 90 degrees first, so many times."""
    import numpy as np  # what opens a collection without pictures need not wait for it

    result = _engine()(np.ascontiguousarray(np.rot90(pixels, turns)))
    if result.txts is None:
        return []
    return [
        _Line(corners, text, float(score))
        for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
        if text.strip()
    ]


def _sureness(lines: Sequence[_Line]) -> float:
    return sum(line.score**4 * len(line.text) for line in lines)


def _pieces(lines: Sequence[_Line]) -> list[Piece]:
    """Lines as pieces: made level, of one size where they nearly are, on one base where they nearly are."""
    if not lines:
        return []
    angle = median(line.angle for line in lines)
    cosine, sine = math.cos(angle), math.sin(angle)
    common = median(line.height for line in lines)
    found: list[Piece] = []
    for line in lines:
        x, y = line.middle[0] * cosine + line.middle[1] * sine, line.middle[1] * cosine - line.middle[0] * sine
        height = common if abs(line.height - common) < _ONE_SIZE * common else line.height
        size = 0.8 * height
        text = line.text[:-1] + SOFT if line.text[-1:] == "-" and line.text[-2:-1].isalpha() else line.text
        found.append(Piece(text, x - line.width / 2, x + line.width / 2, y + 0.3 * size, size))
    return _level(found)


def _level(found: Sequence[Piece]) -> list[Piece]:
    level: list[Piece] = []
    base = -math.inf
    for piece in sorted(found, key=lambda one: one.base):
        if piece.base - base > _LEVEL * piece.size:
            base = piece.base
        level.append(Piece(piece.text, piece.x0, piece.x1, base, piece.size))
    return level
