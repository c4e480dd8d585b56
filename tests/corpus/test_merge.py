"""The same sort of record in several files and forms is one set; different records stay apart."""

import json

from rlm_local.corpus import Corpus, ItemSet

_DEPARTMENTS = ["Cardiology", "Neurology", "Surgery"]


def _visit(year: int, n: int) -> dict[str, object]:
    return {
        "id": f"V{year}-{n:03}",
        "date": f"{year}-{n % 12 + 1:02}-{n % 28 + 1:02}",
        "unit": _DEPARTMENTS[n % 3],
        "minutes": n % 50 + 5,
    }


def _csv(visits: list[dict[str, object]]) -> str:
    rows = [
        f"{v['id']},{str(v['date'])[8:]}/{str(v['date'])[5:7]}/{str(v['date'])[:4]},{v['unit']},{v['minutes']} min"
        for v in visits
    ]
    return "\n".join(["Visit ID,Date,Department,Minutes", *rows])


def _json(visits: list[dict[str, object]]) -> str:
    return json.dumps(
        {
            "visits": [
                {"visitId": v["id"], "visitDate": v["date"], "dept": v["unit"], "minutes": v["minutes"]} for v in visits
            ]
        },
        indent=1,
    )


def _letter(v: dict[str, object]) -> str:
    stated = f"Visit ID: {v['id']}\nDate: {v['date']}\nDepartment: {v['unit']}\nMinutes: {v['minutes']} min"
    return f"Summary\n\n{stated}\n\nNothing else of note.\n"


def field_values(item_set: ItemSet, name: str) -> list[object]:
    field = item_set.field(name)
    assert field is not None, [f.name for f in item_set.fields]
    return list(field.values)


def test_csv_json_and_letters_become_one_set() -> None:
    visits = [_visit(year, n) for year in (2023, 2024, 2025) for n in range(20)]
    documents = {"visits_2023.csv": _csv(visits[:20]), "visits_2024.json": _json(visits[20:40])}
    documents.update({f"letters/{n:02}.txt": _letter(v) for n, v in enumerate(visits[40:])})
    corpus = Corpus.from_documents(documents)
    (merged,) = (s for s in corpus.item_sets if s.field("visit_id"))
    assert merged.name == "visits"
    assert field_values(merged, "visit_id") == [v["id"] for v in visits]
    assert field_values(merged, "date") == [v["date"] for v in visits]
    assert field_values(merged, "department") == [v["unit"] for v in visits]
    assert field_values(merged, "minutes") == [float(str(v["minutes"])) for v in visits]
    for visit, text in zip(visits, merged.texts(corpus.context), strict=True):
        assert str(visit["id"]) in text


def test_what_two_files_hold_is_kept_once_and_noted() -> None:
    visits = [_visit(2023, n) for n in range(20)]
    corpus = Corpus.from_documents({"a/visits.csv": _csv(visits), "b/visits.json": _json(visits[:5])})
    (merged,) = (s for s in corpus.item_sets if s.field("visit_id"))
    assert len(merged) == 20
    assert [(note.document, note.problem) for note in corpus.notes] == [
        ("b/visits.json", "5 items are in a/visits.csv already and are kept once")
    ]


def test_records_of_another_sort_stay_apart() -> None:
    visits = [_visit(2023, n) for n in range(20)]
    invoices = ["Invoice ID,Visit ID,Date,Amount,Department"]
    invoices.extend(f"I-{n},V2023-{n:03},2023-05-{n + 1:02},{n * 3},{_DEPARTMENTS[n % 3]}" for n in range(20))
    pupils = "name,born,class\n" + "\n".join(f"P{n},2015-01-{n + 1:02},4{'ab'[n % 2]}" for n in range(20))
    corpus = Corpus.from_documents(
        {"visits.csv": _csv(visits), "invoices.csv": "\n".join(invoices), "pupils.csv": pupils}
    )
    assert {s.name: len(s) for s in corpus.item_sets if s.kind == "rows"} == {
        "visits": 20,
        "invoices": 20,
        "pupils": 20,
    }


def test_logs_of_different_programs_stay_apart() -> None:
    jobs = "\n".join(f"2024-01-{n + 1:02} 10:00:00 INFO host-1 backup: done in {n} s" for n in range(9))
    portal = "\n".join(f"2024-01-{n + 1:02} 11:00:00 WARN portal user=u{n} event=LOGIN" for n in range(9))
    corpus = Corpus.from_documents({"logs/jobs.log": jobs, "logs/portal.log": portal})
    assert {s.name for s in corpus.item_sets if s.kind == "lines"} == {"jobs", "portal"}


def test_rotated_logs_are_one_set() -> None:
    line = "2024-0{}-01 10:00:00 INFO app: started worker {}"
    corpus = Corpus.from_documents(
        {f"app-2024-0{m}.log": "\n".join(line.format(m, n) for n in range(5)) for m in (1, 2, 3)}
    )
    (lines,) = (s for s in corpus.item_sets if s.kind == "lines")
    assert (lines.name, len(lines)) == ("app", 15)
    assert len(set(field_values(lines, "path"))) == 3
