"""HTML to readable text: a line per block, cells of a table row separated by " | ", no scripts, no styles."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main "
    "nav ol p pre section table tr ul".split()
)
_UNSEEN = frozenset(("script", "style", "head", "template", "noscript", "svg"))


_OPEN = re.compile(
    r"<(?!!--)(?=[^<>]*(?:<|\Z))|<(?=!\[)"
)  # tags without an end, and marked sections, hold the parser up


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = ""
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if self.unseen:
            self.depth += tag == self.unseen
        elif tag in _UNSEEN:
            self.unseen, self.depth = tag, 1
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag in ("p", "table") or tag[0] == "h" else "\n")
        elif tag in ("td", "th"):
            self.parts.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if self.unseen:
            self.depth -= tag == self.unseen
            if self.depth == 0 or tag == "html":
                self.unseen = ""
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag in ("p", "table") or tag[0] == "h" else "\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def readable(html: str) -> str:
    """The text that a reader of the page sees."""
    parser = _Text()
    parser.feed(_OPEN.sub("&lt;", html))
    parser.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip().removeprefix("| ") for line in "".join(parser.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
