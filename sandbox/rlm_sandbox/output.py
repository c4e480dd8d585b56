"""Text of unknown length kept within a limit: the beginning and the end, and how much is missing between."""


class Output:
    """Takes bytes; keeps the first and the last half of `limit`."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head, self._tail = bytearray(), bytearray()
        self._seen = 0

    def write(self, data: bytes | memoryview) -> None:
        self._seen += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[-self._half :]
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def take(self) -> str:
        """The text since the last `take`, as UTF-8 with replacement."""
        tail = self._tail[-self._half :]
        cut = self._seen - len(self._head) - len(tail)
        if cut > 0:
            # a character that the cut has split is part of what is missing
            head = self._head.decode("utf-8", "ignore")
            end = bytes(tail).lstrip(bytes(range(0x80, 0xC0))).decode("utf-8", "replace")
            text = f"{head}\n... [{cut:,} of {self._seen:,} bytes cut] ...\n{end}"
        else:
            text = (self._head + tail).decode("utf-8", "replace")
        self._head, self._tail, self._seen = bytearray(), bytearray(), 0
        return text


def cut(text: str, limit: int) -> str:
    """`text` within `limit` bytes, by the same rule."""
    output = Output(limit)
    output.write(text.encode("utf-8", "backslashreplace"))
    return output.take()
