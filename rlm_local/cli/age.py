"""How long ago, as people write it: 30d, 12h, 2w."""

import typer

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def age(text: str) -> float:
    """An age in seconds.

    Raises:
        typer.BadParameter: it is none.
    """
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) < 8 and int(number) and unit in _SECONDS):
        raise typer.BadParameter("give a number and a unit of s, m, h, d or w, as in 30d")
    return float(int(number) * _SECONDS[unit])
