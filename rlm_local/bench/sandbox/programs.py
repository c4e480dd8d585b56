"""Small programs in pure Python. This file runs as it is in every Python that is compared: it imports the standard
library alone, and run as a program prints what `measure` returns, as JSON."""

import json
import re
import time
from collections.abc import Callable

_TIMES = 3  # of which the fastest counts


def recursion() -> int:
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    return fibonacci(24)


def loop() -> int:
    total = 0
    for number in range(500_000):
        total += number * number % 7
    return total


def counting() -> int:
    counts: dict[str, int] = {}
    for number in range(200_000):
        word = f"w{number % 5000}"
        counts[word] = counts.get(word, 0) + 1
    return len(counts)


def sorting() -> int:
    value, values = 1, list[int]()
    for _ in range(100_000):
        value = value * 1_103_515_245 + 12_345 & 0x7FFFFFFF
        values.append(value)
    values.sort(key=lambda number: number % 1000)
    return values[50]


def searching() -> int:
    text = "2024-05-17 11:42 the quick brown fox jumps over 17 lazy dogs\n" * 4000
    return len(re.findall(r"\d{4}-\d\d-\d\d", text)) + len(re.findall(r"\w+", text))


def parsing() -> int:
    return len(json.loads(json.dumps([{"n": n, "list": [n] * 3, "text": str(n)} for n in range(20_000)])))


def lines() -> int:
    text = "\n".join(f"{n},name {n},{n % 17},open" for n in range(60_000))
    rows = [line.split(",") for line in text.splitlines()]
    return sum(int(row[2]) for row in rows if row[1].endswith("7"))


class _Point:
    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y

    def plus(self, other: "_Point") -> "_Point":
        return _Point(self.x + other.x, self.y + other.y)


def objects() -> float:
    point, step = _Point(0, 0), _Point(1, 0.5)
    for _ in range(200_000):
        point = point.plus(step)
    return point.y


PROGRAMS: list[Callable[[], float]] = [recursion, loop, counting, sorting, searching, parsing, lines, objects]


def measure(processor: Callable[[], float] = time.process_time) -> dict[str, list[float]]:
    """Name -> seconds on the wall, seconds by the processor."""
    fastest: dict[str, list[float]] = {}
    for program in PROGRAMS:
        taken: list[tuple[float, float]] = []
        for _ in range(_TIMES):
            wall, by_processor = time.perf_counter(), processor()
            program()
            taken.append((time.perf_counter() - wall, processor() - by_processor))
        fastest[program.__name__] = [min(column) for column in zip(*taken, strict=True)]
    return fastest


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201
