"""The toolbox of cells, as ordinary Python with host calls of the test's own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_sandbox.guest import rlm
from rlm_sandbox.guest.rlm import Tools

ROWS = (
    ("Ada Brunner", "Surgery", 120.5, "2024-01-10"),
    ("ben okafor", "Surgery", 80.0, "2024-02-11 09:30"),
    ("Cleo Marsh", "Imaging", None, "2024-03-12"),
    (None, "Imaging", 60.0, None),
    ("Eva  Lind", None, -5.0, "2025-01-01"),
)
COLUMNS: dict[str, list[Any]] = {
    name: [row[place] for row in ROWS] for place, name in enumerate(("patient", "department", "cost", "day"))
}
TEXT = "".join(f"{number}: {row[0]} in {row[1]}\n" for number, row in enumerate(ROWS))
NOTES = (
    "The pump PX-410 rattles.\nThe gate is open.\nThe gate was painted red by Nurse Holm.\nThe gate is open again.\n"
)
REGISTER = "PX-410 belongs to Karsten and Sons.\nPX-999 belongs to nobody.\n"


class Host:
    """Answers host calls from replies by name, and keeps what was asked."""

    def __init__(self, **replies: Any) -> None:
        self.replies = replies
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        self.asked.append((name, arguments))
        return self.replies[name]


def lines_of(text: str, start: int = 0) -> tuple[list[int], list[int]]:
    starts, ends = [], []
    for line in text.splitlines(keepends=True):
        starts.append(start)
        ends.append(start + len(line.rstrip("\n")))
        start += len(line)
    return starts, ends


def toolbox(**replies: Any) -> tuple[Tools, Host, dict[str, Any]]:
    """Tools over visits, notes and a register, installed in a namespace."""
    context = TEXT + NOTES + REGISTER
    starts, ends = lines_of(TEXT)
    all_starts, all_ends = lines_of(context)
    host = Host(
        item_set={"starts": starts, "ends": ends, "columns": COLUMNS},
        passages={"starts": all_starts, "ends": all_ends},
        final=None,
        **replies,
    )
    cut, last = len(TEXT), len(TEXT) + len(NOTES)
    documents = [
        ("visits.txt", "text", 0, cut),
        ("notes.txt", "text", cut, last),
        ("register.csv", "csv", last, len(context)),
    ]
    namespace: dict[str, Any] = {"context": context}
    return rlm.install(namespace, host, documents), host, namespace


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        (("department", "=", "surgery"), "01"),
        (("department", "=", " SURGERY "), "01"),
        (("department", "!=", "Surgery"), "23"),
        (("patient", "=", "Ben Okafor"), "1"),
        (("patient", "=", "eva lind"), "4"),
        (("cost", "=", 80), "1"),
        (("cost", "=", "80"), "1"),
        (("cost", "=", "120.5"), "0"),
        (("cost", ">", 60), "01"),
        (("cost", ">=", 60), "013"),
        (("cost", "<", 60), "4"),
        (("cost", "<=", 60), "34"),
        (("cost", "<", "abc"), ""),
        (("department", ">", 5), ""),
        (("cost", "in", (60, 80)), "13"),
        (("cost", "in", ("a", "z")), ""),
        (("day", "in", ("2024-01-10", "2024-02-11")), "01"),
        (("day", "in", ("2024-02-11", "2024-02-11")), "1"),
        (("day", "<=", "2024-02-11"), "01"),
        (("day", "<", "2024-02-11"), "0"),
        (("day", ">", "2024-02-11"), "24"),
        (("day", ">=", "2024-02-11"), "124"),
        (("day", "in", ("2024", "2024")), "012"),
        (("department", "any", ["imaging", "None"]), "23"),
        (("cost", "any", [60, 80]), "13"),
        (("patient", "contains", "ADA"), "0"),
        (("cost", "contains", "20.5"), "0"),
        (("department", "lacks", "surg"), "23"),
        (("text", "contains", "in imaging"), "23"),
        (("nonesuch", "=", "x"), ""),
        (("nonesuch", "!=", "x"), ""),
    ],
    ids=str,
)
def test_conditions(condition: tuple[str, str, Any], numbers: str) -> None:
    tools, _, _ = toolbox()
    assert "".join(item.text[0] for item in tools.rows("visits", where=[condition])) == numbers


def test_an_item_must_meet_every_condition_and_none_means_all() -> None:
    tools, host, _ = toolbox()
    assert len(tools.rows("visits")) == len(ROWS)
    both = tools.rows("visits", where=[("department", "=", "Surgery"), ("cost", "<", 100)])
    assert [item["patient"] for item in both] == ["ben okafor"]
    assert [name for name, _ in host.asked] == ["item_set"]


def test_an_unknown_operator_is_told_the_known_ones() -> None:
    tools, _, _ = toolbox()
    with pytest.raises(ValueError, match="contains"):
        tools.rows("visits", where=[("cost", "~", 1)])


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.sampled_from(("=", "!=", "<", "<=", ">", ">=", "contains")), scalars)
def test_no_value_breaks_a_condition(operator: str, value: object) -> None:
    tools, _, _ = toolbox()
    for field in (*COLUMNS, "text"):
        kept = tools.rows("visits", where=[(field, operator, value)])
        assert all(item.get(field) is not None or field == "text" for item in kept)


def test_an_items_parts() -> None:
    tools, _, _ = toolbox()
    item = tools.rows("visits")[2]
    assert item.fields == {"patient": "Cleo Marsh", "department": "Imaging", "day": "2024-03-12"}
    assert (item.get("cost"), item.get("cost", 0.0), item.get("nonesuch", "-")) == (None, 0.0, "-")
    assert (item.document, item.text) == ("visits.txt", "2: Cleo Marsh in Imaging")
    assert "visits.txt" in repr(item)
    with pytest.raises(KeyError):
        item["nonesuch"]


def test_grouping_counts_and_measures_highest_first_ties_by_name() -> None:
    tools, _, _ = toolbox()
    items = tools.rows("visits")
    assert rlm.group(items, "department") == [("Imaging", 2), ("Surgery", 2)]
    assert rlm.group(items, "department", "sum", "cost") == [("Surgery", 200.5), ("Imaging", 60)]
    assert rlm.group(items, "department", "average", "cost") == [("Surgery", 100.25), ("Imaging", 60)]
    assert rlm.group(items, "department", "highest", "cost")[0] == ("Surgery", 120.5)
    assert rlm.group(items, "department", "lowest", "cost")[0] == ("Surgery", 80)
    assert rlm.group(items, "cost")[0] == ("-5", 1)
    assert rlm.group([], "department") == []


def test_totals_and_values_pass_over_what_is_not_given() -> None:
    tools, _, _ = toolbox()
    items = tools.rows("visits")
    assert rlm.total(items, "cost") == 255.5
    assert rlm.total(items, "patient") == 0
    assert rlm.values(items, "department") == ["Surgery", "Imaging"]
    assert rlm.values(items, "cost") == ["120.5", "80", "60", "-5"]


def test_finding_ranks_rare_words_above_common_ones() -> None:
    tools, _, _ = toolbox()
    assert tools.retrieval.find("gate painted", k=1)[0].text == "The gate was painted red by Nurse Holm."
    assert {item.text for item in tools.retrieval.find("PX-410")} >= {
        "The pump PX-410 rattles.",
        "PX-410 belongs to Karsten and Sons.",
    }
    assert len(tools.retrieval.find("gate", k=2)) == 2
    assert tools.retrieval.find("zyzzyva") == []
    assert tools.retrieval.find("") == []


def test_finding_meets_other_forms_of_a_word_and_no_part_of_one() -> None:
    tools, _, _ = toolbox()
    assert tools.retrieval.find("painting")[0].text == "The gate was painted red by Nurse Holm."
    assert tools.retrieval.find("ainted") == []


def test_finding_in_given_items_only() -> None:
    tools, host, _ = toolbox()
    surgery = tools.rows("visits", where=[("department", "=", "Surgery")])
    assert [item.text[0] for item in tools.retrieval.find("Brunner Marsh", where=surgery)] == ["0"]
    assert tools.retrieval.find("Brunner", where=[]) == []
    assert "passages" not in [name for name, _ in host.asked]


def named(*documents: tuple[str, str]) -> Tools:
    """The toolbox over documents of lines, each by its name."""
    context = "".join(text for _, text in documents)
    starts, ends = lines_of(context)
    places = list[tuple[str, str, int, int]]()
    for name, text in documents:
        start = places[-1][3] if places else 0
        places.append((name, name.rpartition(".")[2], start, start + len(text)))
    return rlm.install({"context": context}, Host(passages={"starts": starts, "ends": ends}), places)


def test_finding_what_is_near_the_best_leaves_out_what_only_shares_a_word() -> None:
    tools = named(
        ("house.txt", "".join(f"the door of room {n} is shut\n" for n in range(9)) + "the vault door creaks\n")
    )
    near = tools.retrieval.find("creaks the vault door", k=3, near=0.6)
    assert [item.text for item in near] == ["the vault door creaks"]
    assert len(tools.retrieval.find("creaks the vault door", k=3)) == 3


def test_following_prefers_a_document_that_is_called_what_the_question_is_about() -> None:
    tools = named(
        ("notes.txt", "She plays the bassoon, P-10\n"),
        ("bills.csv", "P-10: 80 crowns\n"),
        ("patients.csv", "P-10: Ada Brunner\n"),
    )
    first = tools.retrieval.find("bassoon", k=1)
    followed = tools.retrieval.follow(first, "Which patient plays the bassoon?", k=1)
    assert [item.text for item in followed] == ["P-10: Ada Brunner"]


def test_following_leaves_what_is_far_behind_the_best() -> None:
    tools = named(
        ("notes.txt", "The key is carried by Ada Brunner\nCopies: form H-7\n"),
        ("staff.csv", "Ada Brunner: 2112\n"),
        *((f"rules{n}.txt", f"rule {n} has form H-7\n") for n in range(9)),
    )
    places = tools.retrieval.find("key carried", k=1) + tools.retrieval.find("copies", k=1)
    followed = tools.retrieval.follow(places, "Who carries the key?", k=4)
    assert [item.text for item in followed] == ["Ada Brunner: 2112"]


def test_a_key_of_many_rows_leads_to_the_one_that_the_question_speaks_of() -> None:
    hires = [f"H-{n}: {'wood chipper' if n == 7 else 'chain saw'}, C-4\n" for n in range(12)]
    tools = named(("customers.csv", "C-4: Celia Abel\n"), ("hires.csv", "".join(hires)))
    first = tools.retrieval.find("Celia", k=1)
    followed = tools.retrieval.follow(first, "Where did Celia hire a wood chipper?")
    assert [item.text for item in followed] == ["H-7: wood chipper, C-4"]
    assert tools.retrieval.follow(first, "Where did Celia hire a chain saw?") == []  # eleven rows name no one thing


def test_a_register_comes_before_rows_that_hold_words_of_the_question() -> None:
    tickets = "".join(f"T-{n}: Tamsin Rostadt, {'a door' if n else 'a telephone'}\n" for n in range(9))
    tools = named(
        ("handbook.txt", "Tamsin Rostadt carries the key\n"),
        ("staff.csv", "Tamsin Rostadt: 2212\n"),
        ("tickets.csv", tickets),
    )
    first = tools.retrieval.find("key", k=1)
    question = "Which telephone number has whoever carries the key?"
    hop = tools.retrieval.follow(first, question)
    assert [item.text for item in hop] == ["Tamsin Rostadt: 2212"]
    assert tools.retrieval.follow(hop, question, known=first) == []


def test_the_second_hop_gives_nothing_that_is_known() -> None:
    tools = named(
        ("letter.txt", "About V-71 I have a question\n"),
        ("visits.txt", "V-71 with Ada Brunner\n"),
        ("staff.txt", "Ada Brunner in room 12\n"),
    )
    letter = tools.retrieval.find("question", k=1)
    hop = tools.retrieval.follow(letter, k=1)
    assert [item.text for item in hop] == ["V-71 with Ada Brunner"]
    assert {item.text for item in tools.retrieval.follow(hop)} >= {"About V-71 I have a question"}
    assert [item.text for item in tools.retrieval.follow(hop, known=letter)] == ["Ada Brunner in room 12"]


@given(st.text(max_size=40))
def test_any_query_can_be_looked_for(query: str) -> None:
    tools, _, _ = toolbox()
    found = tools.retrieval.find(query, k=3)
    assert len(found) <= 3
    assert len({item.start for item in found}) == len(found)


def test_letters_that_change_length_in_lower_case_move_no_place() -> None:
    text = "İİİİ İstanbul\nthe gate\n"
    starts, ends = lines_of(text)
    host = Host(passages={"starts": starts, "ends": ends})
    tools = rlm.install({"context": text}, host, [("a.txt", "text", 0, len(text))])
    assert [item.text for item in tools.retrieval.find("gate")] == ["the gate"]


def test_following_a_name_leads_to_the_other_document_that_has_it() -> None:
    tools, _, _ = toolbox()
    first = tools.retrieval.find("pump rattles", k=1)
    assert [item.text for item in tools.retrieval.follow(first)] == ["PX-410 belongs to Karsten and Sons."]
    assert tools.retrieval.follow([]) == []
    assert tools.retrieval.follow(tools.retrieval.find("gate open", k=2)) == []


def test_the_model_is_sent_places_of_items_and_the_text_of_strings() -> None:
    tools, host, _ = toolbox(judge=[True, False], choose=[1, 0])
    item = tools.rows("visits")[0]
    assert tools.judge("Is it?", [item, "a text"]) == [item]
    assert tools.choose("Which?", ("a", "b"), [item, "a text"]) == ["b", "a"]
    place = [[item.start, item.end], "a text"]
    assert host.asked[-2:] == [
        ("judge", {"question": "Is it?", "items": place}),
        ("choose", {"question": "Which?", "options": ["a", "b"], "items": place}),
    ]


def test_nothing_to_ask_about_asks_nobody() -> None:
    tools, host, _ = toolbox()
    assert (tools.judge("?", []), tools.choose("?", ["a", "b"], []), tools.llm_query_batched([])) == ([], [], [])
    assert host.asked == []


def test_reading_gives_items_as_evidence() -> None:
    tools, host, _ = toolbox(read={"answer": "red", "found": True, "evidence": [[0, 14]]})
    reading = tools.read("?", [tools.text.documents[0]])
    assert (reading.answer, reading.found, reading.evidence[0].text) == ("red", True, TEXT[:14])
    assert host.asked[-1] == ("read", {"question": "?", "passages": [[0, len(TEXT)]], "whole": False})


def test_one_query_is_a_batch_of_one() -> None:
    tools, host, _ = toolbox(llm_query=["hello"])
    assert tools.llm_query("Say hello") == "hello"
    assert host.asked == [("llm_query", {"prompts": ["Say hello"]})]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        ("as is", "as is"),
        (["a", 2.0, None], "a, 2, None"),
        ((), ""),
        (True, "True"),
        (None, "None"),
    ],
    ids=str,
)
def test_final_writes_a_value_as_a_person_would(value: object, text: str) -> None:
    _, host, namespace = toolbox()
    namespace["FINAL"](value)
    [(call, arguments)] = host.asked
    assert (call, arguments["answer"], arguments["found"], arguments["evidence"]) == ("final", text, True, [])
    data = [*value] if isinstance(value, tuple) else value
    assert arguments["value"] == data


def test_final_sends_the_places_of_a_bounded_number_of_items() -> None:
    tools, host, namespace = toolbox()
    items = tools.rows("visits")
    namespace["FINAL"](5, items * 100, found=False)
    name, arguments = host.asked[-1]
    assert (name, arguments["found"]) == ("final", False)
    assert arguments["evidence"][0] == [items[0].start, items[0].end]
    assert len(items) <= len(arguments["evidence"]) < 500


def test_final_var_takes_a_name_in_any_quotes_and_tells_the_names_there_are() -> None:
    _, host, namespace = toolbox()
    namespace["result"] = 7
    for name in ("result", "'result'", ' "result" '):
        namespace["FINAL_VAR"](name)
    assert [arguments["answer"] for _, arguments in host.asked] == ["7"] * 3
    with pytest.raises(NameError, match="result"):
        namespace["FINAL_VAR"]("missing")


def test_show_vars_shows_what_cells_have_made() -> None:
    _, _, namespace = toolbox()
    namespace.update(hits=[1], _private=2)
    assert namespace["SHOW_VARS"]() == {"hits": "list"}


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        ({"content": "x", "ready": True}, ["x"]),
        ({"content": "x", "ready": False}, []),
        ({"ready": True}, [""]),
        ("a string", []),
        (None, []),
    ],
    ids=str,
)
def test_the_answer_dict_ends_the_run_once_it_is_ready(answer: object, ended: list[str]) -> None:
    tools, host, namespace = toolbox()
    namespace["answer"] = answer
    tools.poll_answer()
    assert [arguments["answer"] for _, arguments in host.asked] == ended


def test_fields_are_the_hosts() -> None:
    tools, _, _ = toolbox(fields={"visits": {"cost": "number"}})
    assert tools.fields() == {"visits": {"cost": "number"}}
