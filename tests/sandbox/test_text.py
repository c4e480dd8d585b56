from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox.text import Layout, layout_of

_CODECS = {Layout.ASCII: "ascii", Layout.LATIN1: "latin-1", Layout.UCS2: "utf-16-le", Layout.UCS4: "utf-32-le"}
_WIDEST = [
    (Layout.ASCII, 0x7F),
    (Layout.LATIN1, 0xFF),
    (Layout.UCS2, 0xFFFF),
    (Layout.UCS4, 0x10FFFF),
]

texts = st.one_of(*(st.text(st.characters(max_codepoint=largest, categories=None)) for _, largest in _WIDEST))


@given(texts)
def test_the_layout_is_the_narrowest_and_loses_nothing(text: str) -> None:
    layout = layout_of(text)
    assert layout is next(kind for kind, largest in _WIDEST if max(map(ord, text), default=0) <= largest)
    data = b"".join(layout.encode(text))
    assert len(data) == len(text) * layout.width
    assert [int.from_bytes(data[i : i + layout.width], "little") for i in range(0, len(data), layout.width)] == [
        ord(character) for character in text
    ]


def test_a_wide_character_far_into_the_text_is_found() -> None:
    text = "a" * (1 << 20) + "é" * (1 << 20)
    assert [layout_of(text + end) for end in ("", "€", "\ud83d\ude00", "😀")] == [
        Layout.LATIN1,
        Layout.UCS2,
        Layout.UCS2,
        Layout.UCS4,
    ]
