"""What a row does not give, for programs that forget that it may be so: small models do.

It is false, equal to None, meets no comparison and has no text. It cannot be added or counted with: a mean over rows of
which some give nothing would be another mean.
"""

from collections.abc import Iterator
from typing import Any, NoReturn


class Missing:
    """The value of a cell that is not given; there is one of it, `MISSING`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or other is self

    def __hash__(self) -> int:
        return hash(None)

    def __lt__(self, _other: object) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__

    def __add__(self, _other: object) -> NoReturn:
        raise TypeError("some rows do not give a value that is counted with: leave them out, `if row.x is not None`")

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __add__

    def __getitem__(self, _key: object) -> str:
        return ""

    def __contains__(self, _value: object) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "None"

    def __getattr__(self, name: str) -> Any:
        """The methods of texts, as those of an empty one."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr("", name)


MISSING = Missing()
