"""What stands in a collection's database. It is read by SQLite 3.39 as pages: no newer file feature is used.

    meta        what is known of the whole: `version`, `sources`, `settled`
    file        one row a file: read, failed, skipped (why), or a duplicate (of which)
    document    what files are or contain; `documents` is the view to ask, with the fields that documents have
    passage     tiles each document's text; `search` finds passages by words
    "table"     the tables of records, "column" their columns, reference which column holds another's values
    described   what a table that is a data dictionary says of the columns of another
    note        what is not as it should be

Each table of records is called by its own name:

    (_id INTEGER PRIMARY KEY, _document INTEGER, _start INTEGER, _end INTEGER, _place TEXT, <columns>, document TEXT)

`document` is told of as a column where a table has rows of several; it has no key, as no file gives it. What begins
with an underscore is the collection's own: `_shape` says how each file's records were read, `_extent` which
rows came from it, `_field` what documents say of themselves, as written.
"""

VERSION = 6
"""Grows when the database means something else; one of another version is made anew, a newer one is not touched."""

PAGE = 8192
"""Bytes of a page of the file."""

OWN = ("_id", "_document", "_start", "_end", "_place")
"""The columns that each table of records begins with."""

DOCUMENTS = "_documents"
"""The table of the documents' fields, one row a document that has any."""

RESERVED = frozenset(
    "meta file document documents passage search table column reference described note "
    "search_data search_idx search_content search_docsize search_config".split()
)
"""Names that no table of records has."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value);
CREATE TABLE file (
  id INTEGER PRIMARY KEY, path TEXT UNIQUE, name TEXT, size INTEGER, mtime_ns INTEGER, sha256 TEXT,
  format TEXT, parser TEXT, status TEXT, reason TEXT
);
CREATE INDEX file_sha256 ON file (sha256);
CREATE TABLE document (
  id INTEGER PRIMARY KEY, file INTEGER, parent INTEGER, name TEXT UNIQUE, title TEXT, kind TEXT, characters INTEGER,
  place TEXT, base TEXT, folder TEXT
);
CREATE INDEX document_file ON document (file);
CREATE TABLE passage (
  id INTEGER PRIMARY KEY, document INTEGER, start INTEGER, "end" INTEGER, heading TEXT, place TEXT, text TEXT
);
CREATE INDEX passage_document ON passage (document);
CREATE VIRTUAL TABLE search USING fts5 (
  title, heading, text, content='', tokenize='porter unicode61 remove_diacritics 2'
);
-- two of its blocks fit a page; of the usual 4050 bytes, only one would fit a sealed page, which is 64 bytes shorter
INSERT INTO search (search, rank) VALUES ('pgsz', 4000);
CREATE TABLE "table" (name TEXT PRIMARY KEY, kind TEXT, rows INTEGER, suggested TEXT, folder TEXT, parent TEXT);
CREATE TABLE "column" (
  "table" TEXT, position INTEGER, name TEXT, label TEXT, type TEXT, unit TEXT, given INTEGER, distinct_values INTEGER,
  least, greatest, common TEXT, reading TEXT, key TEXT, PRIMARY KEY ("table", name)
);
CREATE TABLE reference ("table" TEXT, "column" TEXT, to_table TEXT, to_column TEXT, share REAL);
CREATE TABLE described ("table" TEXT, "column" TEXT, dictionary TEXT, about TEXT, PRIMARY KEY ("table", "column"));
CREATE TABLE note (document INTEGER, problem TEXT, place TEXT, file INTEGER);
CREATE INDEX note_file ON note (file);
CREATE TABLE _shape (
  file INTEGER, ordinal INTEGER, "table" TEXT, readings TEXT, rows INTEGER, PRIMARY KEY (file, ordinal)
);
CREATE INDEX _shape_table ON _shape ("table");
CREATE TABLE _extent (file INTEGER, "table" TEXT, first INTEGER, last INTEGER);
CREATE INDEX _extent_file ON _extent (file);
CREATE TABLE _field (document INTEGER, file INTEGER, label TEXT, value);
CREATE INDEX _field_file ON _field (file);
CREATE TABLE _touched ("table" TEXT PRIMARY KEY);
"""
