"""The registry of formats: one module each. Whatever has text has passages; whatever has rows has tables."""

from rlm_local.collection.formats import (
    archive,
    code,
    csv,
    docx,
    epub,
    html,
    image,
    json,
    log,
    mail,
    markdown,
    msg,
    odf,
    pdf,
    pptx,
    rtf,
    spreadsheet,
    text,
    toml,
    xml,
    yaml,
)
from rlm_local.collection.formats.format import LOOK, Format

FORMATS: tuple[Format, ...] = (
    csv.FORMAT,
    json.FORMAT,
    yaml.FORMAT,
    toml.FORMAT,
    pdf.FORMAT,
    image.FORMAT,
    docx.FORMAT,
    pptx.FORMAT,
    odf.FORMAT,
    epub.FORMAT,
    spreadsheet.FORMAT,
    msg.FORMAT,
    rtf.FORMAT,
    mail.MAILBOX,
    mail.FORMAT,
    html.FORMAT,
    xml.FORMAT,
    code.FORMAT,
    archive.ZIP,
    archive.TAR,
    archive.COMPRESSED,
    log.FORMAT,
    markdown.FORMAT,
    text.FORMAT,
)
"""In the order in which they are asked whether a file without a telling suffix is theirs; text takes any text."""

PROSE = frozenset(form.name for form in FORMATS if form.prose)
"""Names of those that are read for their words."""


def format_of(name: str, head: bytes) -> Format | None:
    """Who reads a file: by its suffix, else by the look of its first bytes; None for a form that nobody knows."""
    suffix = name.rpartition("/")[2].rpartition(".")[2].lower() if "." in name else ""
    by_name = next((form for form in FORMATS if suffix in form.suffixes), None)
    return by_name or next((form for form in FORMATS if form.sniff(head[:LOOK])), None)
