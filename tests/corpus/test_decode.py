import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.decode import Binary, Decoded, decode

_PROSE = (
    "The café in Zürich opens at 9. Señora Núñez déjà reservó; naïve façade, 12 € each.\nSecond line of the note.\n" * 3
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp1252"]
)
def test_western_prose_round_trips(encoding: str) -> None:
    found = decode(_PROSE.encode(encoding))
    assert isinstance(found, Decoded)
    assert found.text == _PROSE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize(
    "text",
    [
        "Здравствуйте, ваш заказ отправлен.\n",
        "会议记录:项目已经完成。\n下一步是测试。\n",
        "\u039f ασθενής ήρθε χθες.\n",
    ],
)
def test_other_scripts_round_trip(encoding: str, text: str) -> None:
    text *= 12
    found = decode(text.encode(encoding))
    assert isinstance(found, Decoded)
    assert found.text == text


def test_cyrillic_single_bytes_are_guessed() -> None:
    text = "Уважаемый клиент, ваша заявка одобрена и будет выполнена завтра утром.\n" * 5
    found = decode(text.encode("cp1251"))
    assert isinstance(found, Decoded)
    assert found.text == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=("Cc",)), min_size=1))
def test_utf8_with_a_mark_always_round_trips(text: str) -> None:
    found = decode(b"\xef\xbb\xbf" + text.encode())
    assert isinstance(found, Decoded)
    assert found.text == text


@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_binary(data: bytes) -> None:
    found = decode(data)
    assert isinstance(found, Binary) or not set(found.text) & {"\r", "\0"}


def test_line_ends_become_newlines() -> None:
    found = decode(b"a\r\nb\rc\n")
    assert isinstance(found, Decoded)
    assert found.text == "a\nb\nc\n"


def test_null_bytes_in_text_become_replacement_characters_and_are_told() -> None:
    found = decode(b"one line\nanother\0line\n" + b"more text\n" * 50)
    assert isinstance(found, Decoded)
    assert "another\N{REPLACEMENT CHARACTER}line" in found.text
    assert found.mended


def test_a_few_wrong_bytes_do_not_make_utf8_another_encoding() -> None:
    found = decode("Müller, Jäger, Größe, Öl\n".encode() * 20 + b"\xff broken\n")
    assert isinstance(found, Decoded)
    assert found.text.startswith("Müller")
    assert found.mended


@pytest.mark.parametrize(
    ("data", "form"), [(b"%PDF-1.7 x", "PDF"), (b"PK\x03\x04abc", "zip"), (bytes(range(256)) * 20, "binary")]
)
def test_binary_forms_are_named(data: bytes, form: str) -> None:
    found = decode(data)
    assert isinstance(found, Binary)
    assert form in found.reason
