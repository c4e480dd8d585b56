"""Each form of record, in several domains: what its items are, and which fields they have."""

import json

import pytest

from rlm_local.corpus import Corpus, ItemSet


def only(documents: dict[str, str], kind: str) -> tuple[Corpus, ItemSet]:
    """The corpus, and its one set of this kind."""
    corpus = Corpus.from_documents(documents)
    (item_set,) = (s for s in corpus.item_sets if s.kind == kind)
    return corpus, item_set


def values(item_set: ItemSet, name: str) -> list[object]:
    field = item_set.field(name)
    assert field is not None, [f.name for f in item_set.fields]
    return list(field.values)


def types(item_set: ItemSet) -> dict[str, str]:
    return {field.name: field.type for field in item_set.fields}


# ---- rows

_SHIPMENTS = """shipment;weight;cost;arrived;note
S-1;12 kg;1.250,00 €;03/02/2025;"left at
the gate"
S-2;3 kg;80,50 €;25/02/2025;said "fine"

S-3;7 kg;9,90 €;28/02/2025;
"""


def test_semicolons_quoted_newlines_and_european_numbers() -> None:
    corpus, rows = only({"shipments.csv": _SHIPMENTS}, "rows")
    assert next(rows.texts(corpus.context)) == 'S-1;12 kg;1.250,00 €;03/02/2025;"left at\nthe gate"'
    assert values(rows, "cost") == [1250.0, 80.5, 9.9]
    assert values(rows, "arrived") == ["2025-02-03", "2025-02-25", "2025-02-28"]
    assert values(rows, "note") == ["left at\nthe gate", 'said "fine"', None]
    weight = rows.field("weight")
    assert weight is not None
    assert weight.unit == "kg"


def test_rows_without_a_header_get_numbered_columns() -> None:
    _, rows = only({"t.csv": "2024-01-01,alpha,3\n2024-01-02,beta,4\n2024-01-03,alpha,5\n"}, "rows")
    assert list(types(rows).items())[:3] == [("col1", "date"), ("col2", "category"), ("col3", "number")]
    assert len(rows) == 3


def test_a_header_of_words_over_words_is_a_header() -> None:
    _, rows = only({"t.csv": "pupil,subject\nMia,maths\nTom,sport\nMia,sport\n"}, "rows")
    assert list(types(rows)) == ["pupil", "subject"]


def test_ragged_rows_stay_items_and_are_noted() -> None:
    corpus, rows = only({"t.csv": "a,b,c\n1,2,3\n4\n5,6,7,8\n9,10,11\n"}, "rows")
    assert list(rows.texts(corpus.context)) == ["1,2,3", "4", "5,6,7,8", "9,10,11"]
    assert values(rows, "a") == [1.0, 4.0, 5.0, 9.0]
    assert values(rows, "c") == [3.0, None, None, 11.0], "7 or 8 would be a guess"
    assert [(note.line, note.problem) for note in corpus.notes] == [
        (3, "1 cells where the table has 3"),
        (4, "4 cells where the table has 3"),
    ]


def test_a_header_is_wider_than_most_rows() -> None:
    _, rows = only({"t.csv": "id,state,note\nV-1,done,a,b\nV-2,done\nV-3,open\nV-4,done,late\nV-5,open\n"}, "rows")
    assert values(rows, "id") == ["V-1", "V-2", "V-3", "V-4", "V-5"]
    assert values(rows, "note") == [None, None, None, "late", None]


def test_text_before_the_header_is_not_a_row() -> None:
    corpus, rows = only({"t.csv": "Export of 3 March\n\npupil,mark\nMia,1\nTom,2\nZoe,3\n"}, "rows")
    assert values(rows, "pupil") == ["Mia", "Tom", "Zoe"]
    assert corpus.notes


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file() -> None:
    corpus, rows = only({"t.csv": 'id,size\n1,"15 inch\n' + "\n".join(f"{n},x" for n in range(2, 400))}, "rows")
    assert len(rows) == 399
    assert "never closed" in corpus.notes[0].problem


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_in_files_of_any_name(delimiter: str) -> None:
    text = "\n".join(
        delimiter.join(row)
        for row in [("pupil", "subject", "mark"), ("Mia", "maths", "1"), ("Tom", "sport", "2"), ("Zoe", "art", "3")]
    )
    _, rows = only({"export.txt": text}, "rows")
    assert values(rows, "mark") == [1.0, 2.0, 3.0]


# ---- JSON


def test_nested_objects_lists_and_camel_case() -> None:
    records = [{"patientId": f"P{n}", "contact": {"homeTown": "Ulm"}, "tags": ["a", "b"], "age": n} for n in range(3)]
    corpus, rows = only({"d.json": json.dumps({"export": "x", "patients": records}, indent=2)}, "rows")
    assert rows.name == "patients"
    assert [json.loads(text) for text in rows.texts(corpus.context)] == records
    assert values(rows, "contact_home_town") == ["Ulm"] * 3
    assert values(rows, "tags") == ["a, b"] * 3


def test_rows_of_inner_lists_carry_the_fields_around_them() -> None:
    text = json.dumps(
        [
            {"name": "Mia", "grades": [{"subject": "art", "mark": 1}, {"subject": "maths", "mark": 2}]},
            {"name": "Tom", "grades": [{"subject": "art", "mark": 3}]},
        ]
    )
    corpus = Corpus.from_documents({"pupils.json": text})
    grades = next(s for s in corpus.item_sets if s.name == "grades")
    assert values(grades, "mark") == [1.0, 2.0, 3.0]
    assert values(grades, "grade_name" if grades.field("grade_name") else "pupil_name") == ["Mia", "Mia", "Tom"]


def test_objects_under_keys_are_rows() -> None:
    text = json.dumps({f"host-{n}": {"os": "linux", "cpus": n} for n in range(4)})
    _, rows = only({"hosts.json": text}, "rows")
    assert values(rows, "key") == [f"host-{n}" for n in range(4)]


def test_many_files_of_one_object_each_are_one_set() -> None:
    documents = {f"staff/{n}.json": json.dumps({"name": f"N{n}", "room": n + 100, "site": "east"}) for n in range(5)}
    corpus = Corpus.from_documents(documents)
    (staff,) = corpus.item_sets
    assert (staff.name, staff.kind, len(staff)) == ("staff", "rows", 5)


def test_a_broken_line_of_json_stays_an_item_and_is_noted() -> None:
    corpus, rows = only({"d.jsonl": '{"a": 1}\n{"a": \n{"a": 3}\n'}, "rows")
    assert values(rows, "a") == [1.0, None, 3.0]
    assert [(note.document, note.line) for note in corpus.notes] == [("d.jsonl", 2)]


def test_broken_json_is_read_as_text_and_noted() -> None:
    corpus = Corpus.from_documents({"d.json": '{"a": [1, 2,\n\n"b" 3}'})
    assert corpus.documents[0].text.startswith('{"a"')
    assert "not valid JSON" in corpus.notes[0].problem


# ---- mail

_MESSAGE = """From: =?utf-8?q?Ana_N=C3=BA=C3=B1ez?= <ana@school.example>
To: office@school.example
Subject: =?utf-8?b?QWJzZW5jZSDigJMgVG9t?=
Date: Mon, 3 Mar 2025 10:05:00 +0100
Message-ID: <1@x>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: text/html; charset=utf-8

<html><head><style>p {}</style></head><body><p>Tom is <b>ill</b>.</p>
<table><tr><td>Class</td><td>4b</td></tr></table></body></html>
--B
Content-Type: application/pdf; name=note.pdf
Content-Disposition: attachment; filename=note.pdf
Content-Transfer-Encoding: base64

AAAA
--B--
"""


def test_a_message_is_its_readable_text() -> None:
    corpus, messages = only({"m.eml": _MESSAGE}, "messages")
    assert corpus.documents[0].text == (
        "From: Ana Núñez <ana@school.example>\nTo: office@school.example\nDate: Mon, 03 Mar 2025 10:05:00 +0100\n"
        "Subject: Absence \N{EN DASH} Tom\nAttachments: note.pdf\n\nTom is ill.\n\nClass | 4b"
    )
    assert values(messages, "date") == ["2025-03-03T10:05:00"]


def test_a_mailbox_is_its_messages() -> None:
    box = "".join(
        f"From x Mon Mar  {n} 10:00:00 2025\nFrom: a{n % 2}@x.example\nSubject: s{n}\n\nBody {n}\n>From here on\n\n"
        for n in range(1, 5)
    )
    corpus, messages = only({"archive.mbox": box}, "messages")
    assert values(messages, "from") == ["a1@x.example", "a0@x.example"] * 2
    assert next(messages.texts(corpus.context)) == "From: a1@x.example\nSubject: s1\n\nBody 1\nFrom here on"


def test_deep_mime_does_not_crash() -> None:
    parts = "".join(f"Content-Type: multipart/mixed; boundary=B{n}\n\n--B{n}\n" for n in range(300))
    corpus = Corpus.from_documents({"m.eml": "Subject: deep\n" + parts + "\nx"})
    assert corpus.documents[0].text.startswith("Subject: deep")


# ---- logs


def test_levels_components_pairs_and_stack_traces() -> None:
    text = (
        "2024-03-01 10:00:00,123 INFO [worker-1] billing.core - request user=ana took=12ms\n"
        "2024-03-01 10:00:01,000 ERROR [worker-2] billing.core - failed user=bo took=90ms\n"
        'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no\n'
        "2024-03-01 10:00:02,000 INFO [worker-1] billing.core - request user=ana took=15ms\n"
    )
    corpus, lines = only({"app.log": text}, "lines")
    assert list(lines.texts(corpus.context))[1].endswith("ValueError: no")
    assert values(lines, "timestamp")[0] == "2024-03-01T10:00:00"
    assert values(lines, "level") == ["INFO", "ERROR", "INFO"]
    assert values(lines, "user") == ["ana", "bo", "ana"]
    assert values(lines, "took") == [12.0, 90.0, 15.0]


def test_syslog_without_a_year_takes_that_of_its_name_and_says_so_otherwise() -> None:
    text = "Dec 31 23:59:58 gate sshd[311]: Failed password for root\n"
    text += "Jan  1 00:00:03 gate sshd[312]: Accepted key\nJan  1 00:00:04 gate cron: started\n"
    corpus, lines = only({"auth-2023.log": text}, "lines")
    assert values(lines, "timestamp") == ["2023-12-31T23:59:58", "2024-01-01T00:00:03", "2024-01-01T00:00:04"]
    assert values(lines, "host") == ["gate"] * 3
    assert values(lines, "component") == ["sshd", "sshd", "cron"]
    assert not corpus.notes
    assert "no year" in Corpus.from_documents({"auth.log": text}).notes[0].problem


def test_access_logs() -> None:
    line = '10.0.0.{} - - [10/Oct/2023:13:55:3{} +0000] "GET /p/{} HTTP/1.1" {} 2326 "-" "curl/8"'
    _, lines = only({"access.log": "\n".join(line.format(n, n, n, 200 if n else 404) for n in range(4))}, "lines")
    assert values(lines, "status") == [404.0, 200.0, 200.0, 200.0]
    assert values(lines, "timestamp")[1] == "2023-10-10T13:55:31"


# ---- text and Markdown


def test_records_of_labelled_lines_in_one_text() -> None:
    text = "\n\n".join(
        f"Ticket: T-{n}\nStatus - {'open' if n % 2 else 'closed'}\n**Amount due:** EUR {n}.50\n\n"
        f"The printer on floor {n} is silent."
        for n in range(1, 6)
    )
    corpus, records = only({"tickets.txt": text}, "paragraphs")
    assert len(records) == 5
    assert values(records, "status") == ["open", "closed", "open", "closed", "open"]
    assert values(records, "amount_due") == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert next(records.texts(corpus.context)).endswith("is silent.")


def test_lines_of_labelled_pieces() -> None:
    text = "\n".join(f"Date: Jan {n}, 2023 || User: {n % 3} || Instance: what is {n}?" for n in range(1, 9))
    _, lines = only({"rows.txt": text}, "lines")
    assert types(lines)["date"] == "date"
    assert values(lines, "instance")[0] == "what is 1?"


def test_turns_of_a_talk() -> None:
    _, lines = only(
        {"call.txt": "\n".join(f"{'Agent' if n % 2 else 'Mrs Brown'}: line {n} of it" for n in range(8))}, "lines"
    )
    assert set(values(lines, "speaker")) == {"Agent", "Mrs Brown"}


def test_prose_is_paragraphs() -> None:
    text = "First paragraph, which is wrapped\nover two lines.\n\nSecond.\n\n\n  Third one.  \n"
    corpus, paragraphs = only({"essay.txt": text}, "paragraphs")
    assert list(paragraphs.texts(corpus.context)) == [
        "First paragraph, which is wrapped\nover two lines.",
        "Second.",
        "Third one.",
    ]


def test_markdown_has_sections_and_rows() -> None:
    text = "# Fleet\n\nIntro.\n\n## Vans\n\n| plate | km |\n|---|---:|\n| B-1 | 1,200 |\n| B-2 | 90 |\n"
    text += "\n```\n# no heading\n```\n\n## Cars\n\nOwner: depot\n"
    corpus = Corpus.from_documents({"fleet.md": text})
    sections = next(s for s in corpus.item_sets if s.kind == "sections")
    rows = next(s for s in corpus.item_sets if s.kind == "rows")
    assert values(sections, "title") == ["Fleet", "Vans", "Cars"]
    assert values(rows, "km") == [1200.0, 90.0]
    assert list(rows.texts(corpus.context)) == ["| B-1 | 1,200 |", "| B-2 | 90 |"]


# ---- code


def test_python_functions_and_methods() -> None:
    text = "import x\n\n\n@x.wraps\ndef one(a):\n    '''Doc.'''\n    global g\n\n\n"
    text += "class Two:\n    def three(self):\n        return 'ü'\n\n    async def four(self): ...\n"
    corpus, functions = only({"a.py": text}, "functions")
    assert values(functions, "name") == ["one", "Two", "three", "four"]
    assert values(functions, "type") == ["function", "class", "method", "method"]
    assert values(functions, "class") == [None, None, "Two", "Two"]
    assert next(functions.texts(corpus.context)) == "@x.wraps\ndef one(a):\n    '''Doc.'''\n    global g"
    assert values(functions, "lines") == [4.0, 5.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("a.js",
            ("export function one(a) { if (a) { return '}'; } }\nconst two = (b) => { return b; };\n"
            "class T {\n  three() { }\n}\n"), ["one", "two", "T", "three"]),
        ("a.go", "package x\n\nfunc (s *S) One(a int) error {\n\treturn nil\n}\n\nfunc two() {}\n", ["One", "two"]),
        ("a.rs", "pub fn one<T>(a: T) -> T { a }\n\nimpl X {\n    fn two(&self) {}\n}\n", ["one", "X", "two"]),
        ("A.java", "public class A {\n  public static int one(int a) { return a; }\n}\n", ["A", "one"]),
        ("a.c",
            "#include <x.h>\nint one(int a);\nstatic int two(int a)\n{\n  while (a) a--;\n  return a;\n}\n", ["two"]),
        ("a.rb", "class A\n  def one(a)\n    a if a\n  end\nend\n", ["A", "one"]),
        ("a.sh", "one() {\n  echo hi\n}\n", ["one"]),
        ("broken.py", "def one(:\n    x = 1\n\ndef two():\n    pass\n", ["one", "two"]),
    ],
)  # fmt: skip
def test_definitions_of_other_languages(name: str, text: str, names: list[str]) -> None:
    _, functions = only({name: text}, "functions")
    assert values(functions, "name") == names


# ---- documents


def test_a_folder_of_letters_is_a_set_of_documents() -> None:
    letters = {
        f"claims/letter{n}.txt": f"Claim letter {n}\n\nClaim no: C-{n}\nDate: {n} March 2025\n\nWe have seen it.\n"
        for n in range(1, 6)
    }
    corpus = Corpus.from_documents({**letters, "list.csv": "a,b\n1,2\n3,4\n"})
    claims = next(s for s in corpus.item_sets if s.name == "claims")
    assert claims.kind == "documents"
    assert values(claims, "title")[0] == "Claim letter 1"
    assert values(claims, "date")[0] == "2025-03-01"
    assert values(claims, "path") == list(letters)
    assert not any(s.kind == "paragraphs" for s in corpus.item_sets)
