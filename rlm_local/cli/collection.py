"""`rlm-local collection`: what is known of files and folders: made, shown, brought up to date, dropped."""

import json
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_local.cli.removed import tell_removed
from rlm_local.cli.shared import JsonOption, shared
from rlm_local.cli.terminal import clean, columns, complain, console, one_line
from rlm_local.errors import UsageError

if TYPE_CHECKING:
    from rlm_local.collection import Collection, Step, Table
    from rlm_local.collection.shelf import Entry

app = typer.Typer(no_args_is_help=True, help="Manage collections: the indexes of your documents.")

_NAMED = 8
"""How many files of a kind are named if there are more."""

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name or key from `collection list`.")]


@app.command("add", no_args_is_help=True)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a new or existing collection.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders to add to it.")],
    as_json: JsonOption = False,
) -> None:
    """Make a collection of files and folders, or extend one.

    \b
    rlm-local collection add work ~/records ~/mail.mbox

    `run` makes an index of the paths that it is given by itself. Add a collection to read much ahead of time, or to
    keep it up to date with `collection watch`. Files are read once; later, only those that have changed are read again.
    """
    with _opened(ctx, name, paths) as collection:
        _print_summary(collection, name, as_json=as_json)


@app.command("list")
def list_collections(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the collections. Those without a name were made by `run`, of the paths that it was given."""
    from rlm_local.collection.shelf import entries

    known = entries(shared(ctx).home)
    if as_json:
        _write([json.dumps([_data(entry) for entry in known])])
        return
    if not known:
        complain("there are no collections; `rlm-local collection add NAME PATH...` makes one")
        return
    rows = [("name", "files", "size", "read", "from")]
    for entry in known:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.changed))
        rows.append(
            (entry.key, f"{entry.files:,}", _size(entry.size), when, one_line(", ".join(entry.sources.names), 60))
        )
    _write(columns(rows, right={1, 2}))


@app.command("show", no_args_is_help=True)
def show(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """Show the tables of a collection, and what was not read. References between columns are shown, too.

    \b
    rlm-local collection show work

    This is what the model knows when it writes a program. Look here if an answer is wrong: a column may have been read
    as text that holds numbers, or a file may be missing.
    """
    with _known(ctx, name) as collection:
        if as_json:
            _write([json.dumps(_everything(collection), ensure_ascii=False)])
            return
        _print_summary(collection, name, as_json=False)
        lines: list[str] = []
        for table in collection.tables:
            lines += ["", *_table(table)]
        if collection.references:
            lines += ["", "references"]
            lines += [
                f"  {each.table}.{each.column} -> {each.to_table}.{each.to_column}  {each.share:.0%}"
                for each in collection.references
            ]
        skipped, notes = collection.skipped, collection.notes
        if skipped:
            lines += ["", f"not read: {len(skipped):,}"]
            lines += _some(f"  {one_line(each.path, 60)}: {one_line(each.reason, 100)}" for each in skipped)
        if notes:
            lines += ["", f"notes: {len(notes):,}"]
            lines += _some(
                f"  {one_line(each.document, 50)}{f', {each.place}' if each.place else ''}: "
                f"{one_line(each.problem, 100)}"
                for each in notes
            )
        _write(lines)


@app.command("text", no_args_is_help=True)
def text(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file; with --in, a document of that collection.")],
    name: Annotated[
        str | None, typer.Option("--in", metavar="NAME", help="The collection that the document is in.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what is read of a file. Marks show where pages, sheets or slides begin.

    \b
    rlm-local collection text report.pdf
    rlm-local collection text minutes/march.docx --in work

    Without --in, the file is read now, and nothing is kept.
    """
    from rlm_local.collection import Collection

    if name is None:
        with _progress() as progress, Collection.open([file], fresh=True, progress=progress) as collection:
            if not collection.documents:
                reasons = "; ".join(each.reason for each in collection.skipped) or "nothing in it is text"
                raise UsageError(f"{file} cannot be read: {reasons}")
            _print_documents(collection, None, as_json=as_json)
        return
    with _known(ctx, name) as collection:
        _print_documents(collection, file, as_json=as_json)


@app.command("update", no_args_is_help=True)
def update(
    ctx: typer.Context,
    name: NameArgument,
    as_json: JsonOption = False,
) -> None:
    """Bring a collection up to date. Files that could not be read are tried again.

    \b
    rlm-local collection update work

    Changed files are noticed at each question. Use this after installing a package that reads more formats.
    """
    with _opened(ctx, name, (), again=True) as collection:
        _print_summary(collection, name, as_json=as_json)


@app.command("drop", no_args_is_help=True)
def drop(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    runs: Annotated[
        bool, typer.Option("--runs", help="Delete the runs over its files and folders, too, as `runs delete` does.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete collections. What was kept of calls over them is deleted, too; a report says what that was.

    \b
    rlm-local collection drop work --runs

    Your own files stay as they are. The log of runs quotes from them, and is kept unless you give --runs.
    """
    from rlm_local.serve.erasure import open_erasure

    with open_erasure(shared(ctx).home) as erasure:
        removed = erasure.collections("cli", names, keep_runs=not runs)
    tell_removed(removed, as_json=as_json)


@app.command("watch", no_args_is_help=True)
def watch(
    ctx: typer.Context,
    name: NameArgument,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks at the disk.")] = 2.0,
) -> None:
    """Keep a collection up to date until Ctrl-C. It looks at the disk regularly and reads what has changed.

    \b
    rlm-local collection watch work --every 10

    The first question after a change then need not wait for the changed files to be read.
    """
    before = ""
    while True:
        with _opened(ctx, name, ()) as collection:
            now = collection.sha256
            if now != before:
                complain(f"{name}: {len(collection.documents):,} documents, {len(collection.skipped):,} not read")
            before = now
        time.sleep(every)


@contextmanager
def _opened(ctx: typer.Context, name: str, paths: Sequence[Path], *, again: bool = False) -> "Generator[Collection]":
    from rlm_local.collection import Collection

    home = shared(ctx).home
    with (
        _progress() as progress,
        Collection.open(paths, home=home, name=name, again=again, progress=progress) as collection,
    ):
        yield collection


@contextmanager
def _known(ctx: typer.Context, name: str) -> "Generator[Collection]":
    with _opened(ctx, name, ()) as collection:
        yield collection


@contextmanager
def _progress() -> "Generator[_Told]":
    told = _Told()
    try:
        yield told
    finally:
        told.end()


class _Told:
    """Progress on stderr: one line that moves on a terminal, now and then a line elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()
        self._shown = False

    def __call__(self, step: "Step") -> None:
        now = time.monotonic()
        if not step.note and now - self._last < (0.1 if self._live else 5.0):
            return
        self._last = now
        with suppress(OSError):
            if self._live:
                console(sys.stderr).print(f"\r{one_line(str(step), 78):78}", end="")
                self._shown = True
            else:
                complain(str(step))

    def end(self) -> None:
        if self._shown:
            with suppress(OSError):
                sys.stderr.write(f"\r{'':78}\r")
                sys.stderr.flush()
            self._shown = False


def _print_summary(collection: "Collection", name: str, *, as_json: bool) -> None:
    files = collection.files
    failed = [file for file in files if file.status == "failed"]
    tables = [table for table in collection.tables if table.kind != "documents"]
    if as_json:
        summary = {
            "name": name, "path": str(collection.path), "sources": collection.sources, "files": len(files),
            "documents": len(collection.documents), "characters": collection.characters, "tables": len(tables),
            "rows": sum(table.rows for table in tables), "failed": [asdict(file) for file in failed],
        }  # fmt: skip
        _write([json.dumps(summary, ensure_ascii=False)])
        return
    rows = sum(table.rows for table in tables)
    lines = [
        f"{name}: {', '.join(collection.sources)}",
        f"  {len(files):,} files, {len(collection.documents):,} documents, {collection.characters:,} characters",
        f"  {len(tables):,} tables, {rows:,} rows; {_size(collection.path.stat().st_size)} on the disk",
    ]
    if failed:
        shown = "; ".join(f"{one_line(file.name, 50)} ({one_line(file.reason, 60)})" for file in failed[:3])
        lines.append(f"  {len(failed):,} could not be read: {shown}{' ...' if len(failed) > 3 else ''}")
    _write(lines)


def _table(table: "Table") -> list[str]:
    rows = [
        (
            f"  {column.name}",
            f"{column.type}{f' in {column.unit}' if column.unit and column.type != 'list' else ''}",
            f"{column.given:,} given",
            f"{column.distinct:,} different",
            one_line(_values(column.common, column.least, column.greatest, column.type), 60),
            one_line(column.about, 60),
        )
        for column in table.columns
    ]
    kind = "rows that describe the columns of other tables" if table.kind == "dictionary" else table.kind
    return [f"{table.name}: {table.rows:,} {kind}", *columns(rows, right={2, 3})]


def _values(common: Sequence[tuple[object, int]], least: object, greatest: object, kind: str) -> str:
    if kind in ("number", "date", "time") and least is not None:
        return f"{least} to {greatest}" if least != greatest else f"{least}"
    return ", ".join(str(value) for value, _ in common[:5])


def _some(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    more = len(found) - _NAMED
    return found if more <= 0 else [*found[:_NAMED], f"  and {more:,} more; --json has all"]


def _everything(collection: "Collection") -> dict[str, object]:
    return {
        "path": str(collection.path),
        "sources": collection.sources,
        "tables": [asdict(table) for table in collection.tables],
        "references": [asdict(each) for each in collection.references],
        "files": [asdict(file) for file in collection.files],
        "skipped": [asdict(each) for each in collection.skipped],
        "notes": [asdict(each) for each in collection.notes],
    }


def _print_documents(collection: "Collection", wanted: str | None, *, as_json: bool) -> None:
    found = [
        document
        for document in collection.documents
        if wanted is None or document.name == wanted or document.name.startswith(f"{wanted} > ")
    ]
    if not found:
        raise UsageError(f"there is no document {wanted!r}", remedy="`collection show` names what is there")
    for document in found:
        passages = collection.passages(document.id)
        if as_json:
            told = {**asdict(document), "passages": [asdict(passage) for passage in passages]}
            _write([json.dumps(told, ensure_ascii=False)])
            continue
        if len(found) > 1:
            _write([f"=== {one_line(document.name, 200)} ==="])
        place = ""
        for passage in passages:
            if passage.place != place:
                place = passage.place
                _write([f"--- {one_line(place, 100)} ---"])
            sys.stdout.write(clean(passage.text))
        sys.stdout.write("\n")


def _write(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{clean(line)}\n" for line in lines)


def _data(entry: "Entry") -> dict[str, object]:
    return asdict(entry)


def _size(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"
