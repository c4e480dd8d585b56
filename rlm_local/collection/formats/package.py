"""Office files and books: a zip archive of XML, read within bounds and without entities, network or macros."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import IO, Any
from urllib.parse import unquote

from rlm_local.collection.errors import Needs, Unreadable
from rlm_local.collection.formats.source import Source

MOST_XML = 1 << 27
"""Bytes of XML, unpacked, that are read of one part."""

_MOST_TREE = 1 << 25
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, ValueError)


@cache
def etree() -> Any:
    """The library that XML is read with.

    Raises:
        Needs: it is not installed.
    """
    try:
        return import_module("lxml.etree")
    except ImportError:
        raise Needs("pip install 'rlm-local[documents]'") from None


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str:
    """An attribute by its name without a namespace; empty where there is none."""
    for key, value in element.attrib.items():
        if key == name or key.endswith("}" + name):
            return str(value)
    return ""


def child(element: Any, *names: str) -> Any:
    """The first element at the end of a path of local names; None where there is none."""
    for name in names:
        element = next((one for one in element if local(one) == name), None)
        if element is None:
            return None
    return element


def words(element: Any) -> str:
    """All text below an element, on one line."""
    return " ".join("".join(element.itertext()).split())


class Package:
    """The parts of an office file.

    Raises:
        Unreadable: it is encrypted, or no archive, or damaged.
    """

    def __init__(self, source: Source) -> None:
        stream = source.open()
        head = stream.read(8)
        if head.startswith(_OLE):
            raise Unreadable(_reason(source))
        try:
            self._zip = zipfile.ZipFile(source.open())
            self.names = {info.filename: info for info in self._zip.infolist()}
        except _BROKEN:
            cut = head.startswith(b"PK") or not head
            raise Unreadable("damaged: cut short" if cut else "damaged: no office document") from None

    def data(self, name: str) -> bytes:
        """A part as it is; empty where there is none."""
        if name not in self.names:
            return b""
        try:
            with self._open(name, _MOST_TREE) as stream:
                return stream.read()
        except _BROKEN as error:
            raise Unreadable(f"damaged: {name}: {error}") from None

    def tree(self, name: str) -> Any:
        """The root of a part; None where there is no such part."""
        data = self.data(name)
        if not data:
            return None
        try:
            return etree().fromstring(data, etree().XMLParser(**_SAFE))
        except etree().XMLSyntaxError as error:
            raise Unreadable(f"damaged: {name}: {error}") from None

    def events(self, name: str, *tags: str) -> Iterator[tuple[str, Any]]:
        """ "start" and "end" of the elements of those local names, as a part is read.

        Raises:
            Unreadable: there is no such part, or it is damaged, or larger than MOST_XML.
        """
        if name not in self.names:
            raise Unreadable(f"damaged: {name} is missing")
        try:
            with self._open(name, MOST_XML) as stream:
                yield from etree().iterparse(
                    stream, events=("start", "end"), tag=[f"{{*}}{tag}" for tag in tags], remove_comments=True, **_SAFE
                )
        except (etree().XMLSyntaxError, *_BROKEN) as error:
            raise Unreadable(f"damaged: {name}: {error}") from None

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by id, the kind in a word and the name of the other part."""
        folder, _, file = name.rpartition("/")
        root = self.tree(f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels")
        found: dict[str, tuple[str, str]] = {}
        for one in root if root is not None else ():
            if one.get("TargetMode") != "External":
                target = unquote(one.get("Target", ""))
                joined = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], posixpath.normpath(joined))
        return found

    def main(self, otherwise: str) -> str:
        """The name of the main part."""
        return next((name for kind, name in self.related("").values() if kind == "officeDocument"), otherwise)

    def properties(self) -> tuple[str, dict[str, str]]:
        """The title, and author and dates, as the file says of itself."""
        try:
            root = self.tree("docProps/core.xml")
        except Unreadable:
            root = None
        said = {local(one): words(one) for one in root if len(one) == 0} if root is not None else {}
        fields = {"author": "creator", "created": "created", "modified": "modified", "subject": "subject"}
        return said.get("title", ""), {label: said[key] for label, key in fields.items() if said.get(key)}

    def _open(self, name: str, most: int) -> IO[bytes]:
        info = self.names[name]
        if info.file_size > most:
            size = f"{info.file_size >> 20} MB"
            raise Unreadable(f"too large: {name} takes {size} unpacked, at most {most >> 20} MB are read")
        if info.flag_bits & 1:
            raise Unreadable("encrypted: a password is needed")
        return self._zip.open(name)


def dropped(element: Any) -> None:
    """Forget an element that has been read, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and parent[0] is not element:
        del parent[0]


def _reason(source: Source) -> str:
    encrypted = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e".encode("latin-1")
    if encrypted in source.open().read(1 << 24):
        return "encrypted: a password is needed; give a copy without one"
    return "an old office document under a new name: save it anew in the present form"
