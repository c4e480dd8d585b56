"""The tables of all documents gathered into item sets: what is read alike goes together, fields get their types."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import median

from rlm_local.corpus.calendar import with_calendar
from rlm_local.corpus.document import Note
from rlm_local.corpus.field import Field, field_name, typed
from rlm_local.corpus.item_set import ItemSet
from rlm_local.corpus.labels import labelled
from rlm_local.corpus.merge import merge
from rlm_local.corpus.naming import common_name, stem
from rlm_local.corpus.phrases import induce
from rlm_local.corpus.table import Raw, Table

_PROSE = frozenset(("text", "markdown", "html"))
_MANY = 3  # documents that make their folder a set
_SHORT = 3_000  # characters: the items of a folder of such documents are the documents, not their paragraphs
_MOST_FOLDERS = 8
_MOST_FIELDS = 40
_IN_EVERY_LOG = frozenset(("timestamp", "level", "component", "message", "host", "pid"))
_READ_FOR_LABELS = 50_000  # characters of a document
_STATED = {
    "documents": (2, 0.08),
    "messages": (3, 0.05),
    "paragraphs": (3, 0.2),
    "sections": (2, 0.15),
    "lines": (3, 0.0),
}
# items that must state a label for it to be a field: at least so many, and at least this share


@dataclass
class Draft:
    """A document as read; its tables' offsets are in its own text, which is the context's from `start` to `end`."""

    name: str
    kind: str
    encoding: str
    start: int
    end: int
    tables: list[Table]

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def is_prose(self) -> bool:
        """Whether the document is one piece of writing, and not a container of records."""
        return self.kind in _PROSE and not any(_holds_records(table) for table in self.tables)

    @property
    def is_item(self) -> bool:
        """Whether the document is but one item of a set of messages or rows."""
        return len(self.tables) == 1 and len(self.tables[0]) == 1 and self.tables[0].kind in ("messages", "rows")


def gather(context: str, drafts: Sequence[Draft]) -> tuple[tuple[ItemSet, ...], list[Note]]:
    """The item sets of a corpus, and what merging them left out. Empties the drafts' tables."""
    tables = _document_tables(context, drafts)
    tables.extend(_grouped(drafts))
    sets, notes = merge([_item_set(table, context, drafts) for table in tables], [draft.name for draft in drafts])
    return tuple(map(with_calendar, _named_apart(sets))), notes


def _holds_records(table: Table) -> bool:
    """Whether items carry fields: most of three or more state the same label."""
    if table.kind in ("rows", "lines", "messages", "functions"):
        return True
    labels = {
        label: sum(cell is not None for cell in cells)
        for label, cells in table.columns.items()
        if label not in ("title", "level")
    }
    return len(table) >= 3 and max(labels.values(), default=0) >= 0.6 * len(table)


def _document_tables(context: str, drafts: Sequence[Draft]) -> list[Table]:
    """A set of documents per folder of writings, one more for all others; their paragraphs go where they are short."""
    folders: dict[str, list[int]] = defaultdict(list)
    prose = [number for number, draft in enumerate(drafts) if draft.is_prose]
    deep = len({drafts[number].folder for number in prose}) > _MOST_FOLDERS
    for number in prose:
        folder = drafts[number].folder
        folders[folder.partition("/")[0] if deep else folder].append(number)
    tables: list[Table] = []
    rest = {number for number, draft in enumerate(drafts) if not draft.is_item}
    for folder, numbers in folders.items():
        if len(numbers) < _MANY:
            continue
        rest.difference_update(numbers)
        name = field_name(folder.rpartition("/")[2]) if folder else "documents"
        tables.append(_document_table(name, context, drafts, numbers))
        if median(drafts[number].end - drafts[number].start for number in numbers) <= _SHORT:
            for number in numbers:
                drafts[number].tables = [t for t in drafts[number].tables if t.kind not in ("paragraphs", "sections")]
    if len(rest) > 1:
        tables.append(
            _document_table(
                "documents" if folders.get("") is None or len(folders[""]) < _MANY else "other_documents",
                context,
                drafts,
                sorted(rest),
            )
        )
    return tables


def _document_table(name: str, context: str, drafts: Sequence[Draft], numbers: Iterable[int]) -> Table:
    table = Table(name, "documents")
    for number in numbers:
        draft = drafts[number]
        head = context[draft.start : min(draft.end, draft.start + _READ_FOR_LABELS)]
        path = PurePosixPath(draft.name)
        cells: dict[str, Raw] = {
            "path": draft.name,
            "name": path.name,
            "kind": draft.kind,
            "title": _title(head, draft.kind),
        }
        if draft.is_prose:
            cells = {**labelled(head), **cells}
        table.add(draft.start, draft.end, cells)
        table.documents.append(number)
    table.level()
    return table


def _title(text: str, kind: str) -> str | None:
    """The first heading, or else the first line that says something."""
    heading = re.search(r"^# +(.+?)[ #]*$", text[:5_000], re.MULTILINE) if kind == "markdown" else None
    first = (
        heading[1]
        if heading
        else next((line.strip() for line in text[:5_000].split("\n") if re.search(r"\w", line)), "")
    )
    return first[:120] or None


def _grouped(drafts: Sequence[Draft]) -> list[Table]:
    """One table for all that are read alike: of one family, or of one folder and form with mostly the same columns."""
    groups: dict[tuple[str, ...], list[tuple[set[str], Table]]] = defaultdict(list)
    for number, draft in enumerate(drafts):
        for table in filter(len, draft.tables):
            whole_corpus = table.family in ("messages", "functions", "sections")
            key = (table.family, table.kind) if whole_corpus else (table.family, table.kind, draft.folder, draft.kind)
            columns = set(map(field_name, table.columns))
            for known, group in groups[key]:
                if table.family or _same_shape(known, columns, group.name, table.name):
                    break
            else:
                group = Table(table.name, table.kind, table.family)
                known = set[str]()
                groups[key].append((known, group))
            known |= columns
            group.name = common_name(group.name, table.name, draft.folder)
            group.append(table, number, draft.start)
        draft.tables = []
    return [group for alike in groups.values() for _, group in alike]


def _same_shape(known: set[str], columns: set[str], name: str, other: str) -> bool:
    """Whether two tables' columns, apart from those that every log has, are mostly the same."""
    known, columns = known - _IN_EVERY_LOG, columns - _IN_EVERY_LOG
    if not known or not columns:
        return not known and not columns and stem(name) == stem(other)
    shared = len(known & columns)
    return shared >= 0.8 * min(len(known), len(columns)) and shared >= 0.5 * max(len(known), len(columns))


def _item_set(table: Table, context: str, drafts: Sequence[Draft]) -> ItemSet:
    table.level()
    columns = _by_name(table.columns)
    least, share = _STATED.get(table.kind, (1, 0.0))
    fixed = {
        "path",
        "name",
        "kind",
        "title",
        "level",
        "From",
        "To",
        "Date",
        "Subject",
        "timestamp",
        "message",
        "speaker",
    }
    said = {label: sum(cell is not None for cell in cells) for label, cells in columns.items()}
    labels = [
        label for label in columns if label in fixed or said[label] >= min(len(table), max(least, share * len(table)))
    ]
    labels = [label for label in labels if said[label]]
    kept = set(sorted(labels, key=lambda label: (label not in fixed, -said[label]))[:_MOST_FIELDS])
    fields: dict[str, Field] = {}
    for label in labels:
        for field in typed(label, columns.pop(label)) if label in kept else ():
            fields.setdefault(field.name, field)
    columns.clear()
    table.columns = {}
    name = table.name
    if table.kind != "documents" and len(set(table.documents)) > 1:
        paths = [drafts[number].name for number in table.documents]
        field = typed("file" if "path" in fields else "path", paths)[0]
        fields.setdefault(field.name, field)
        if table.family:
            name = _family_name(table, drafts)
    item_set = ItemSet(name, table.kind, table.starts, table.ends, table.documents, tuple(fields.values()))
    return _with_phrases(item_set, context)


def _family_name(table: Table, drafts: Sequence[Draft]) -> str:
    folders = {drafts[number].folder for number in set(table.documents)}
    folder = field_name(next(iter(folders)).rpartition("/")[2]) if len(folders) == 1 and folders != {""} else ""
    if table.kind == "messages":
        return folder or "messages"
    return f"{folder}_{table.kind}" if folder and table.kind != "functions" else table.kind


def _by_name(columns: dict[str, list[Raw]]) -> dict[str, list[Raw]]:
    """Columns whose labels are the same name in other letters, made one."""
    named: dict[str, tuple[str, list[Raw]]] = {}
    for label, cells in columns.items():
        known = named.setdefault(field_name(label), (label, cells))
        if known[1] is not cells:
            known[1][:] = [b if a is None else a for a, b in zip(known[1], cells, strict=True)]
    return dict(named.values())


def _with_phrases(item_set: ItemSet, context: str) -> ItemSet:
    """The set with the fields that its items' stock phrases hold."""
    message = item_set.field("message")
    if item_set.kind == "lines" and message is not None:
        texts = [str(value) if value is not None and "=" not in str(value) else "" for value in message.values]
    elif item_set.kind == "messages":
        texts = [text.partition("\n\n")[2] for text in item_set.texts(context)]
    elif item_set.kind in ("documents", "paragraphs") or (item_set.kind == "lines" and len(item_set.fields) <= 2):
        texts = list(item_set.texts(context))
    else:
        return item_set
    found = induce(texts, {field.name for field in item_set.fields})
    return ItemSet(
        item_set.name, item_set.kind, item_set.starts, item_set.ends, item_set.documents, (*item_set.fields, *found)
    )


def _named_apart(sets: Sequence[ItemSet]) -> Iterable[ItemSet]:
    """The sets under names of their own: by their kind, then by number, where two would have the same."""
    counts = Counter(item_set.name for item_set in sets)
    taken: set[str] = set()
    for item_set in sets:
        name = item_set.name or item_set.kind
        if counts[item_set.name] > 1 and name in taken:
            name = f"{name}_{item_set.kind}" if not name.endswith(item_set.kind) else name
        base, number = name, 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        yield ItemSet(name, item_set.kind, item_set.starts, item_set.ends, item_set.documents, item_set.fields)
