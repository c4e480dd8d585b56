"""The page in a real browser: ask, watch, open, cancel, come back; and what documents say stays text."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from rlm_local.log import NodeStart, RunStore
from rlm_local.serve.keys import Scope
from tests.engine.script import talker, writer
from tests.engine.test_tree import COUNT_BEDS, NOTES, SUM, programmer
from tests.engine.test_tree import QUESTION as BEDS
from tests.log.sample import answer, run_start, turn_start
from tests.serve.conftest import COUNT, QUESTION, Running, StartServer
from tests.serve.gate import Gate

HOSTILE = '<script>window.hit = 1</script><img src="http://evil.example/x.png" onerror="window.hit = 1"> ![](http://evil.example/y)'


def ask(page: Page, server: Running, question: str = QUESTION) -> None:
    page.goto(server.url)
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def test_ask_watch_the_tree_and_open_what_the_answer_rests_on(page: Page, start: StartServer) -> None:
    ask(page, start())
    expect(page.locator(".answer .text")).to_have_text("1")
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.get_by_role("treeitem").click()
    panel = page.get_by_role("complementary")
    expect(panel.locator(".code")).to_contain_text("FROM visits")
    expect(panel.locator(".py-tool").first).to_be_visible()
    expect(panel.get_by_role("listitem").filter(has_text="SEARCH")).to_contain_text("%")
    page.locator(".place").first.click()
    expect(panel.locator("mark")).to_have_text("V-001,Ben Okafor,Surgery,cancelled,80,2024-02-11")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("nav .item")).to_contain_text(QUESTION)


def test_children_stand_below_their_node(page: Page, start: StartServer, tmp_path: Path) -> None:
    wards = tmp_path / "wards"
    wards.mkdir()
    for name, text in NOTES.items():
        (wards / name).write_text(text)
    server = start(programmer(SUM, lambda _prompt: COUNT_BEDS), folders=(wards,), policy="free")
    ask(page, server, BEDS)
    expect(page.locator(".answer .text")).to_have_text("9")
    expect(page.locator(".line[aria-level='2']")).to_have_count(3)
    grown = page.locator(".line .question").all_inner_texts()
    page.reload()  # what the log has is what the events told
    expect(page.locator(".line[aria-level='2']")).to_have_count(3)
    assert page.locator(".line .question").all_inner_texts() == grown
    page.locator(".line[aria-level='2']").first.click()
    expect(page.get_by_role("complementary")).to_contain_text("Child node, depth 1 · ward-0.txt")
    expect(page.get_by_role("complementary").locator(".code")).to_contain_text("beds")


def test_a_run_that_is_reloaded_in_its_middle_loses_nothing(page: Page, start: StartServer) -> None:
    gate = Gate()
    ask(page, start(gate.model))
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.reload()
    expect(page.locator(".pill").filter(has_text="running").first).to_be_visible()
    expect(page.get_by_role("treeitem")).to_have_count(1)
    gate.open.set()
    expect(page.locator(".answer .text")).to_have_text("1")
    expect(page.get_by_role("treeitem")).to_have_count(1)


def test_a_run_is_cancelled_and_gone_on_with(page: Page, start: StartServer) -> None:
    gate = Gate()
    ask(page, start(gate.model))
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.get_by_role("button", name="Cancel").click()
    gate.open.set()
    expect(page.locator(".head .pill")).to_have_text("cancelled")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".answer .text")).to_have_text("1")
    page.get_by_role("link", name="an earlier run").click()
    expect(page.locator(".head .pill")).to_have_text("cancelled")


def test_a_follow_up_is_shown_as_understood_and_can_be_corrected(page: Page, start: StartServer) -> None:
    ask(page, start(talker(QUESTION, COUNT)), "How many visits to Dentistry were cancelled?")
    page.get_by_role("textbox", name="Follow-up").fill("and to Surgery?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)
    expect(page.locator(".meant")).to_contain_text("and to Surgery?")
    expect(page.locator(".answer .text")).to_have_text("1")
    page.get_by_text("It was meant otherwise").click()
    meant = page.get_by_role("textbox", name="As it is meant")
    expect(meant).to_have_value(QUESTION)
    meant.fill("How many visits were there?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("How many visits were there?")
    expect(page.locator(".meant")).to_have_count(0)
    page.get_by_role("link", name="follows another question").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How many visits to Dentistry were cancelled?")


def test_files_are_uploaded_and_asked_about(page: Page, start: StartServer) -> None:
    server = start(writer(reads="red"), folders=())
    page.goto(server.url)
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "gate.txt", "mimeType": "text/plain", "buffer": b"The gate is red.\n" * 2}]
    )
    expect(page.locator(".files li")).to_contain_text("gate.txt")
    page.get_by_role("textbox", name="Question").fill("Which colour has the gate?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".answer .text")).to_have_text("red")


def test_a_run_is_deleted_and_a_file_with_the_runs_over_it(page: Page, start: StartServer) -> None:
    server = start(writer(reads="red"))
    page.on("dialog", lambda dialog: dialog.accept())
    ask(page, server)
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("nav")).to_contain_text("No runs yet.")
    page.locator("input[type=file]").first.set_input_files(
        [{"name": "gate.txt", "mimeType": "text/plain", "buffer": b"The gate is red.\n" * 2}]
    )
    expect(page.locator(".files li")).to_contain_text("gate.txt")
    page.get_by_role("textbox", name="Question").fill("Which colour has the gate?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".answer .text")).to_have_text("red")
    page.get_by_role("link", name="New question").click()
    page.get_by_role("button", name="Delete gate.txt").click()
    expect(page.locator("nav")).to_contain_text("No runs yet.")
    expect(page.locator(".files li")).to_have_count(0)
    assert list(server.service.store.latest()) == []


def test_what_documents_and_models_say_is_text(page: Page, start: StartServer) -> None:
    server = start(writer(reads=HOSTILE))
    (server.service.folders["records"] / "notes" / "fall.txt").write_text(f"The gate is {HOSTILE}.\n")
    ask(page, server, f"Which colour has the gate? {HOSTILE}")
    expect(page.locator(".answer .text")).to_have_text(HOSTILE)
    page.get_by_role("treeitem").click()
    page.get_by_text("What the model was shown and wrote").first.click()
    page.locator("nav .item").first.wait_for()
    assert page.evaluate("window.hit") is None
    assert (
        page.evaluate("document.querySelectorAll('main img, aside img, nav img, body script:not([src])').length") == 0
    )


def test_two_runs_are_compared(page: Page, start: StartServer) -> None:
    ask(page, start())
    page.get_by_label("Ask again under another policy").select_option("rlm-local:direct")
    expect(page.locator(".column")).to_have_count(2)
    expect(page.locator(".column .text")).to_have_count(2)
    expect(page.locator(".column .meta").nth(1)).to_contain_text("rlm-local:direct")


def test_a_key_is_asked_for_and_kept_while_the_tab_is_open(browser: Browser, start: StartServer) -> None:
    server = start()
    _, text = server.service.keys.make("alice", [Scope.ASK, Scope.READ])
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_label("Key").fill("wrong")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Key").fill(text)
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("#about")).to_contain_text("alice")
    page.reload()
    expect(page.locator("#about")).to_contain_text("alice")
    page.close()


@pytest.fixture
def tall(start: StartServer) -> tuple[Running, str]:
    """A run of five thousand nodes: a root, fifty children, and their children."""
    server = start()
    store = RunStore(server.service.home.runs)
    log = store.begin(run_start())
    root = log.node(NodeStart("the root"))
    log.end_turn(log.begin_turn(root, turn_start()), "done", None, None, 0.1)
    database = store._database  # pyright: ignore[reportPrivateUsage]  one transaction, not five thousand
    run = log._row  # pyright: ignore[reportPrivateUsage]
    with database.writing():
        for child in range(50):
            parent = database.insert("node", (None, run, root, 1, database.put_text(f"part {child}"), None, None, None))
            for grandchild in range(99):
                question = database.put_text(f"part {child}.{grandchild}")
                database.insert("node", (None, run, parent, 2, question, None, None, None))
    log.end(answer(log.run_id))
    store.close()
    return server, log.run_id


def test_a_tree_of_five_thousand_nodes_is_walked_by_keys(page: Page, tall: tuple[Running, str]) -> None:
    server, run = tall
    page.goto(f"{server.url}/#/run/{run}")
    tree = page.get_by_role("tree")
    expect(page.locator("h2 .aside")).to_have_text("5,001 nodes")
    assert page.locator(".line").count() < 60
    tree.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text("part 49.98")
    assert page.locator(".line").count() < 60
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("treeitem", selected=True)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary")).to_contain_text("the root")


def test_a_phone_shows_it_all_without_scrolling_sideways(page: Page, start: StartServer) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    ask(page, start())
    expect(page.locator(".answer .text")).to_have_text("1")
    wide = (
        "document.documentElement.scrollWidth > innerWidth || document.querySelector('main').scrollWidth > innerWidth"
    )
    assert not page.evaluate(wide)
    page.get_by_role("treeitem").click()
    expect(page.locator(".turn").first).to_be_visible()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Runs").click()
    expect(page.locator("nav .item")).to_be_visible()
