"""Mail as it is sent and as it is broken: what stands in it is read, and nothing in it raises."""

import io
from base64 import b64encode
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from rlm_local.collection.formats import format_of, mail
from rlm_local.collection.formats.part import Document, Note, Part, Rows, Text
from rlm_local.collection.formats.source import Source

ENVELOPE = b"From ann@example.org Mon Jan  1 10:00:00 2001\n"
PIECES = [
    *(b"\n", b"\r\n", b"--a", b"--", b";", b"=?", b"?q?", b" ", b"\xff", b'"', b"\0", b"QUFB", b"From x 10:00"),
    b"Content-Type: multipart/mixed; boundary=a",
    b"Content-Type: message/rfc822",
    b"Content-Transfer-Encoding: base64",
]


def parts(data: bytes) -> list[Part]:
    return list(mail.read(Source("a.eml", data)))


def text(data: bytes) -> str:
    return "".join(part.text for part in parts(data) if isinstance(part, Text))


def documents(found: list[Part]) -> list[Document]:
    return [part for part in found if isinstance(part, Document)]


def message(subject: str, body: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ann <ann@example.org>", "bob@example.org", subject
    made["Date"] = "Mon, 01 Jan 2001 10:00:00 +0200"
    made.set_content(body)
    return made


def test_a_message_is_a_document_with_its_headers_and_a_row():
    found = parts(bytes(message("Fees for März", "They rose.")))
    assert found[0] == Document(
        title="Fees for März",
        kind="mail",
        fields={
            "From": "Ann <ann@example.org>",
            "To": "bob@example.org",
            "Date": "2001-01-01 10:00:00+02:00",
            "Subject": "Fees for März",
        },
    )
    rows = found[2]
    assert isinstance(rows, Rows)
    assert dict(zip(rows.columns, rows.rows[0], strict=True))["text"] == "They rose."
    assert isinstance(found[1], Text)
    assert rows.spans == [(0, len(found[1].text))]


def test_the_plain_form_is_shown_and_the_web_form_where_there_is_no_other():
    both = message("x", "plain words")
    both.add_alternative("<p>web words</p>", subtype="html")
    assert "plain words" in text(bytes(both))
    assert "web words" not in text(bytes(both))
    assert "only <b>" not in text(b"Content-Type: text/html\n\n<p>only <b>web</b></p>")
    assert "only web" in text(b"Content-Type: text/html\n\n<p>only <b>web</b></p>")


def test_attachments_are_documents_that_know_their_message():
    carrier = message("see the file", "It is attached.")
    carrier.add_attachment("<p>attached page</p>", subtype="html", filename="page.html")
    found = parts(bytes(carrier))
    assert [(one.name, one.parent) for one in documents(found)] == [("", None), ("page.html", 0)]
    assert any(isinstance(part, Text) and "attached page" in part.text for part in found)


def test_a_message_in_a_message_keeps_both():
    outer = message("outer", "see below")
    outer.add_attachment(message("inner", "the inner words"))
    found = parts(b"From: x\n" + bytes(outer))
    assert [(one.name, one.title, one.parent) for one in documents(found)] == [
        ("", "outer", None),
        ("inner", "inner", 0),
    ]
    assert sum(isinstance(part, Rows) for part in found) == 2


def test_what_cannot_be_read_stands_there_with_the_reason():
    carrier = message("x", "y")
    carrier.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="a.unheard-of")
    found = parts(bytes(carrier))
    assert documents(found)[1].kind == "unread"
    assert isinstance(found[-1], Note)


def test_a_body_that_claims_base64_and_is_not_is_kept():
    claim = b"Content-Transfer-Encoding: base64\n\n"
    assert "Hello, this is plain." in text(claim + b"Hello, this is plain.\n")
    assert "several\nsingle\nwords" in text(claim + b"several\nsingle\nwords\n")
    with_footer = text(claim + b64encode("Grüße, und noch mehr davon".encode()) + b"\n____\nthe footer of a list\n")
    assert "Grüße" in with_footer
    assert "the footer of a list" in with_footer


def test_charsets_are_what_they_say_or_what_they_are():
    assert "Łódź" in text(b"Content-Type: text/plain; charset=iso-8859-2\n\n" + "Łódź".encode("iso-8859-2"))
    assert "città" in text(b"Content-Transfer-Encoding: quoted-printable\n\ncitt=C3=A0")
    assert "caffè" in text(b"Content-Type: text/plain; charset=us-ascii\n\ncaff\xe8 di oggi")
    for charset in (b'"\0"', b"nonsense", b"punycode", b"undefined", b"base64", b"utf-16"):
        assert "words here" in text(b"Content-Type: text/plain; charset=" + charset + b"\n\nwords here!")


def test_raw_bytes_and_encoded_words_in_headers_are_read():
    assert "Subject: Größe" in text("Subject: Größe\n\nx".encode())
    assert "Subject: Größe" in text(b"Subject: Gr\xf6\xdfe\n\nx")
    assert "Subject: żółw" in text(
        "Content-Type: text/plain; charset=iso-8859-2\nSubject: żółw\n\nx".encode("iso-8859-2")
    )
    assert "Subject: Grüße an alle" in text(b"Subject: =?utf-8?Q?Gr=C3?=\n =?utf-8?Q?=BC=C3=9Fe?= an alle\n\nx")


def test_names_of_attachments_are_put_together():
    head = b"Content-Type: application/x-thing; name*0*=utf-8''Gr%C3%B6; name*1=\"sse's.bin\"\n\n\0\1"
    assert documents(parts(head))[1].name == "Grösse's.bin"


def test_deep_parts_broken_headers_and_brackets_raise_nothing():
    for data in (
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 3000,
        b"".join(b"Content-Type: multipart/mixed; boundary=a%d\n\n--a%d\n" % (at, at) for at in range(3000)),
        b"Content-Type: message/rfc822\n\n" * 3000 + b"words",
        b'Content-Type: text/plain; ="x"; charset\n\nwords',
        b"From: " + b"[" * 300 + b"\nTo: " + b"(" * 300 + b"\n\nwords",
        b"Date: Mon, 99 Foo 99999999999 99:99:99 +9999999\n\nwords",
        b"Content-Type: multipart/mixed\n\nwords without a boundary",
        b"",
    ):
        assert documents(parts(data))


def test_a_mailbox_is_told_apart_at_its_envelopes_only():
    box = (
        ENVELOPE
        + b"Subject: one\n\nFrom 10:30 on we meet.\n>From here it is quoted.\n\n"
        + ENVELOPE
        + b"Subject: two\n\nx\n"
    )
    found = list(mail.read_mailbox(Source("a.mbox", io.BytesIO(box))))
    assert [(one.name, one.title) for one in documents(found)] == [("message 1", "one"), ("message 2", "two")]
    first = found[1]
    assert isinstance(first, Text)
    assert "From 10:30 on we meet.\nFrom here it is quoted." in first.text


def test_parents_are_counted_over_the_whole_mailbox():
    carrier = message("two", "x")
    carrier.add_attachment("<p>page</p>", subtype="html", filename="page.html")
    box = ENVELOPE + bytes(message("one", "x")) + b"\n" + ENVELOPE + bytes(carrier)
    found = documents(list(mail.read_mailbox(Source("a.mbox", box))))
    assert [(one.name, one.parent) for one in found] == [
        ("message 1", None),
        ("message 2", None),
        ("message 2 > page.html", 1),
    ]


def test_mail_without_a_suffix_is_told_by_its_headers():
    form = format_of("inmail.17", b"Received: from x\n by y\nFrom: a\nSubject: b\n\nwords")
    assert form is not None
    assert form.name == "mail"
    assert format_of("17", ENVELOPE + b"From: a\n\nx") is mail.MAILBOX


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_nothing_raises_and_everything_shown_is_text(pieces: list[bytes]):
    data = b"".join(pieces)
    for part in [*mail.read(Source("a.eml", data)), *mail.read_mailbox(Source("a.mbox", data))]:
        if isinstance(part, Text):
            assert not set(part.text) & {"\0", "\r"}
            part.text.encode()
