from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox.output import Output, cut


@given(st.lists(st.text(max_size=30)), st.integers(2, 60))
def test_what_fits_is_kept_and_the_rest_is_said(pieces: list[str], limit: int) -> None:
    output, whole = Output(limit), "".join(pieces).encode()
    for piece in pieces:
        output.write(piece.encode())
    text = output.take()
    if len(whole) <= limit // 2 * 2:
        assert text.encode() == whole
    else:
        head, notice, tail = text.partition(f" of {len(whole):,} bytes cut] ...\n")
        assert notice
        kept, _, number = head.rpartition("\n... [")
        assert whole.startswith(kept.encode())
        assert whole.endswith(tail.encode())
        assert int(number.replace(",", "")) == len(whole) - limit // 2 * 2
        assert len(kept.encode()) + len(tail.encode()) <= limit
    assert output.take() == ""


def test_bytes_that_are_no_text_are_replaced() -> None:
    output = Output(100)
    output.write(b"a\xffb")
    assert output.take() == "a�b"


def test_cutting_leaves_short_text_alone_and_escapes_lone_surrogates() -> None:
    assert cut("short \ud800", 100) == "short \\ud800"
    assert cut("x" * 50 + "y" * 50, 10) == "xxxxx\n... [90 of 100 bytes cut] ...\nyyyyy"
