def request(text: str, /) -> str:
    """A builtin whose body is the host: JSON in, JSON out."""
