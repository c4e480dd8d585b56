"""What a cell over a collection has to work with, as ordinary Python."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rlm_local.collection import Collection
from rlm_local.toolbox.cell import Tools
from rlm_local.toolbox.database import Database
from rlm_local.toolbox.missing import MISSING
from rlm_local.toolbox.row import Rows
from rlm_local.toolbox.tables import Table

_DOCUMENTS = {
    "loans.csv": "member,branch,fine\nTove,Harbour,3.5\nAna,Hill,\nBo,Harbour,1\n",
    "minutes.txt": "The board met in May.\n\nIt agreed to insulate the roof.\n",
}


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with Collection.of(_DOCUMENTS) as collection:
        yield collection.path


class Host:
    """Keeps what it is asked, and answers as it was told to."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, **arguments: Any) -> Any:
        self.asked.append((name, arguments))
        return self.replies.get(name)

    @property
    def final(self) -> dict[str, Any]:
        """What the cell ended with."""
        return next(arguments for name, arguments in self.asked if name == "final")


def _scope(path: Path, host: Host, only: list[int] | None = None) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    Tools(host, Database(str(path), host), only).install(scope)
    return scope


def _ends(path: Path, cell: str) -> tuple[Any, str]:
    host = Host()
    exec(cell, _scope(path, host))
    return host.final["value"], host.final["answer"]


def test_a_column_is_had_by_its_name(path: Path) -> None:
    loans: Table = _scope(path, Host())["loans"]
    assert loans.branch == loans["branch"] == ["Harbour", "Hill", "Harbour"]
    with pytest.raises(AttributeError, match=r"there is no column 'shelf'; there are: .*branch"):
        _ = loans.shelf


def test_a_table_can_be_copied() -> None:
    table = Table(lambda *_: Rows([], ["member"]), "loans", ("member",), 0)
    assert deepcopy(table).member == []


def test_documents_have_what_they_say_of_themselves() -> None:
    posts = {
        f"{n}.md": f"---\nauthor: {'Ann Bo'.split()[n % 2]}\ndate: 2024-0{n + 1}-01\n---\n\nText.\n" for n in range(3)
    }
    with Collection.of(posts | {"plain.txt": "No more."}) as collection:
        documents = _scope(collection.path, Host())["documents"]
        assert [each.name for each in documents if each.author == "Ann"] == ["0.md", "2.md"]
        assert [each["date"] for each in documents if each["author"] == "Bo"] == ["2024-02-01"]
        assert (documents[3].author is MISSING, documents[3].text) == (True, "No more.")
        with pytest.raises(AttributeError, match="there is no column 'writer'"):
            _ = documents[0].writer


@pytest.mark.parametrize(
    ("cell", "value", "said"),
    [
        ("FINAL(loan.member for loan in loans if loan.fine)", ["Tove", "Bo"], "Tove, Bo"),
        ("FINAL({loan.branch: 1 for loan in loans}.keys())", ["Harbour", "Hill"], "Harbour, Hill"),
        ("FINAL(max(documents, key=len))", "loans.csv", "loans.csv"),
        ("FINAL(documents.name)", ["loans.csv", "minutes.txt"], "loans.csv, minutes.txt"),
        ("FINAL(whether(sql('SELECT COUNT(*) FROM loans')))", True, "yes (3)"),
        ("FINAL(whether(sql('SELECT member FROM loans WHERE fine > 99')))", False, "no"),
        ("FINAL(whether(loan.member for loan in loans if loan.fine))", True, "yes (2)"),
        ("FINAL(whether('No'))", False, "no"),
        ("FINAL(whether(True))", True, "yes"),
    ],
    ids=[
        "a generator",
        "keys",
        "a document",
        "something of each document",
        "a count, for a yes",
        "no row, for a no",
        "a list, for a yes",
        "a no in words",
        "a yes",
    ],
)
def test_an_answer_of_any_kind_is_what_it_stands_for(path: Path, cell: str, value: object, said: str) -> None:
    assert _ends(path, cell) == (value, said)


def test_tables_are_gone_through_by_attributes(path: Path) -> None:
    loans: Table = _scope(path, Host())["loans"]
    assert [loan.member for loan in loans if loan.branch == "Harbour"] == ["Tove", "Bo"]
    assert (len(loans), loans[1].fine is MISSING, sum(loan.fine for loan in loans if loan.fine)) == (3, True, 4.5)
    assert repr(loans) == "<table loans: 3 rows of member, branch, fine>"
    assert [loan.member for loan in loans] == [loan.member for loan in loans]


def test_a_large_table_is_read_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlm_local.toolbox.tables._PIECE", 2)
    monkeypatch.setattr("rlm_local.toolbox.tables._KEPT", 2)
    loans: Table = _scope(path, Host())["loans"]
    assert [loan.member for loan in loans] == ["Tove", "Ana", "Bo"]


def test_documents_and_their_context_are_the_collections(path: Path) -> None:
    scope = _scope(path, Host())
    documents, context = scope["documents"], scope["context"]
    assert [document.name for document in documents] == ["loans.csv", "minutes.txt"]
    assert documents[1].text.rstrip() == _DOCUMENTS["minutes.txt"].rstrip()
    whole = str(context)
    assert len(whole) == len(context)
    at = context.find("insulate")
    assert (context[at : at + 8], whole[at : at + 8]) == ("insulate", "insulate")
    assert context[documents[1].start : documents[1].end] == documents[1].text
    assert ("nowhere" in context, context.find("Tove", 30)) == (False, -1)
    assert context[-3:] == whole[-3:]


def test_only_the_documents_of_a_node_are_listed_and_places_stay(path: Path) -> None:
    everything, some = _scope(path, Host()), _scope(path, Host(), [2])
    assert [each.name for each in some["documents"]] == ["minutes.txt"]
    assert some["documents"][0].start == everything["documents"][1].start
    assert len(some["context"]) == len(everything["context"])


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("FINAL(sql('SELECT COUNT(*) FROM loans'))", 3, "3"),
        ("FINAL(sql('SELECT DISTINCT branch FROM loans'))", ["Harbour", "Hill"], "Harbour, Hill"),
        ("FINAL(sql('SELECT branch FROM loans'))", ["Harbour", "Hill"], "Harbour, Hill"),
        (
            "FINAL(sql('SELECT branch, COUNT(*) AS n FROM loans GROUP BY branch'))",
            [{"branch": "Harbour", "n": 2}, {"branch": "Hill", "n": 1}],
            "branch: Harbour; n: 2\nbranch: Hill; n: 1",
        ),
        ("FINAL(sql('SELECT member, fine FROM loans')[0])", {"member": "Tove", "fine": 3.5}, "member: Tove; fine: 3.5"),
        (
            "FINAL(max(loans, key=lambda loan: loan.fine or 0))",
            {"member": "Tove", "branch": "Harbour", "fine": 3.5},
            "member: Tove; branch: Harbour; fine: 3.5",
        ),
        ("FINAL(True)", True, "yes"),
        ("FINAL({'b', 'a'})", ["a", "b"], "a, b"),
        ("FINAL(2 / 3)", 2 / 3, "0.6667"),
        ("FINAL(1234.5678)", 1234.5678, "1234.57"),
        ("FINAL(float('nan'))", "nan", "nan"),
        ("FINAL(loans[1].fine)", None, ""),
        ("answer_ = 5\nFINAL_VAR('answer_')", 5, "5"),
    ],
)
def test_what_a_cell_ends_with_is_data_and_words(path: Path, cell: str, value: Any, words: str) -> None:
    assert _ends(path, cell) == (value, words)


def test_a_long_list_is_named_in_part_and_given_whole(path: Path) -> None:
    value, words = _ends(path, "FINAL(list(range(80)))")
    assert (len(value), words.endswith("49, and 30 more")) == (80, True)


def test_places_are_evidence(path: Path) -> None:
    host = Host()
    exec(
        "FINAL(1, places('SELECT _document, _start, _end FROM loans WHERE fine > 2') + [documents[1]])",
        _scope(path, host),
    )
    row, document = host.final["evidence"]
    assert _DOCUMENTS["loans.csv"][row[1] : row[2]].startswith("Tove")
    minutes = _scope(path, Host())["documents"][1]
    assert document == [minutes.start, minutes.end]


def test_a_variable_that_is_not_there_is_told_with_those_that_are(path: Path) -> None:
    scope = _scope(path, Host())
    exec("total = 4", scope)
    with pytest.raises(NameError, match="there is no variable 'sum_'; there are total"):
        scope["FINAL_VAR"]("sum_")
    assert scope["SHOW_VARS"]() == {"total": "int"}


def test_models_and_children_are_asked_once_for_all(path: Path) -> None:
    said = {"found": True, "evidence": [[60, 74]], "ended": "answered", "part": "minutes.txt"}
    children = [{"answer": "May", "value": "May", **said}, {"answer": "6", "value": 6, **said}]
    host = Host(llm_query=["one", "two"], rlm_query=children)
    scope = _scope(path, host)
    assert scope["llm_query_batched"](["a", "b"]) == ["one", "two"]
    assert scope["llm_query_batched"]([]) == scope["rlm_query_batched"]("When?", []) == []
    may, six = scope["rlm_query_batched"]("When?", [scope["documents"][1], "some text"])
    assert (may, six, six.value, six.found, six.evidence) == ("May", "6", 6, True, [[60, 74]])
    asked = host.asked[-1][1]
    assert asked["questions"] == ["When?", "When?"]
    assert [part["label"] for part in asked["parts"]] == ["minutes.txt", ""]
    scope["rlm_query"]("When?")
    whole = [[document.start, document.end] for document in scope["documents"]]
    assert host.asked[-1][1]["parts"] == [{"label": "", "spans": whole}]


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        ({"content": "by dict", "ready": True}, ["by dict"]),
        ({"content": "not yet", "ready": False}, []),
        ({}, []),
        ("a text of the cell's own", []),
    ],
    ids=str,
)
def test_the_answer_dict_ends_the_node_once_it_is_ready(path: Path, answer: object, ended: list[str]) -> None:
    host, scope = Host(), dict[str, Any]()
    tools = Tools(host, Database(str(path), host))
    tools.install(scope)
    scope["answer"] = answer
    tools.poll_answer()
    assert [arguments["answer"] for name, arguments in host.asked if name == "final"] == ended


def test_the_context_has_the_methods_of_a_text(path: Path) -> None:
    context = _scope(path, Host())["context"]
    assert context.count("board") == context.lower().count("board") == 1
    assert "It agreed to insulate the roof." in context.splitlines()
    with pytest.raises(AttributeError):
        _ = context.no_method


def test_what_is_read_says_whether_it_was_found(path: Path) -> None:
    host = Host(
        search=[["minutes.txt", "", "", "The board met.", 60, 74]],
        read={"answer": "in May", "found": True, "evidence": [[60, 74]], "sure": 0.9},
    )
    scope = _scope(path, host)
    reading = scope["read"]("When?", scope["search"]("board"))
    assert (reading.answer, reading.said, reading.sure) == ("in May", "the passages say: in May", 0.9)
    assert host.asked[-1] == ("read", {"question": "When?", "passages": [[60, 74]], "whole": False})
