"""Every view and every action of the page, in a real Chromium against the built file."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import DESKTOP, PHONE, WIDE, Tab, launched, violations, visit
from tests.drive import Axon
from tests.page_world import settle
from tests.visitor import Visitor, start

VIEWS = (
    "live", "board", "board/list", "board/graph", "task/ENG-13", "task/ENG-15/changes",
    "task/ENG-15/gate", "task/ENG-15/attempts", "task/ENG-15/events", "analytics?days=90",
    "replay", "replay/eng-15-1-now?at=6", "exchange", "settings",
)  # fmt: skip


# How far things have moved that nobody had touched.
SHIFTS = """new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries()
  .filter((one) => !one.hadRecentInput).reduce((sum, {value}) => sum + value, 0)))
  .observe({type: 'layout-shift', buffered: true}) || setTimeout(resolve, 300, 0))"""


@pytest.fixture(scope="module")
def project(
    pyz: Path, engine_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Axon]:
    axon = Axon(pyz=pyz, root=tmp_path_factory.mktemp("page") / "textkit", cache=engine_cache)
    settle(axon)
    yield axon
    axon.end()


@pytest.fixture(scope="module")
def server(project: Axon) -> Visitor:
    return start(project)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, server: Visitor) -> Iterator[Tab]:
    tab = visit(browser, server)
    yield tab
    tab.close()


def add(server: Visitor, title: str, **facts: Any) -> str:
    return str(server.post("/api/issues", {"title": title, **facts}, 201)["identifier"])


def card(page: Page, name: str) -> Any:
    return page.locator(f'.task-card[data-task="{name}"]')


def find(page: Page, text: str) -> None:
    page.get_by_label("Search tasks").fill(text)


def state(server: Visitor, name: str) -> str:
    return str(server.get(f"/api/issues/{name}")["state"])


# ── looks ──


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(DESKTOP, "light"), (PHONE, "dark"), (WIDE, "dark")],
    ids=["desktop", "phone", "wide"],
)
def test_every_view_is_clean(
    browser: Browser, server: Visitor, size: tuple[int, int], scheme: str
) -> None:
    tab = visit(browser, server, size, color_scheme=scheme, reduced_motion="reduce")
    wrong = {}
    for view in VIEWS:
        page = tab.go(view)
        page.locator(".loading").first.wait_for(state="detached")
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert beyond <= 0, f"{view} is {beyond} pixels too wide"
        if size != WIDE and (found := violations(page)):
            wrong[view] = found
    assert not wrong
    assert page.evaluate(SHIFTS) < 0.2, "the layout jumps"  # in all views together
    expect(page.locator("nav.side")).to_be_in_viewport()
    tab.close()


def test_dialogs_are_accessible_too(tab: Tab) -> None:
    page = tab.go("board")
    card(page, "ENG-20").locator("a").focus()
    for key, name in (
        ("?", "Keys"),
        ("c", "New task"),
        ("e", "Edit ENG-20"),
        ("m", "Move ENG-20 to"),
    ):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        assert not violations(page), name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(card(page, "ENG-20").locator("a")).to_be_focused()


def test_themes_are_kept(tab: Tab) -> None:
    page = tab.go("settings")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    page.get_by_label("Teal").check()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert page.evaluate("document.documentElement.dataset.accent") == "teal"
    assert not violations(page)


def test_the_configuration_is_shown_with_its_origin(tab: Tab) -> None:
    page = tab.go("settings")
    page.get_by_label("Find a setting").fill("max_attempts")
    row = page.locator(".config tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("default")
    expect(page.get_by_role("heading", name="Containment")).to_be_visible()


# ── who comes in ──


def test_a_token_opens_and_leaves_the_address(browser: Browser, server: Visitor) -> None:
    tab = visit(browser, server)
    assert "token" not in tab.page.url
    tab.context.clear_cookies()
    tab.allowed = ("401",)
    page = tab.page
    page.reload()
    field = page.get_by_label("Token")
    assert not violations(page)
    field.fill("not the token at all")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert").filter(has_text="not this dashboard's token")).to_be_visible()
    field.fill(f"http://{server.host}/#token={server.token}")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    tab.close()


# ── board ──


def test_a_card_is_dragged_along_legal_moves_only(browser: Browser, server: Visitor) -> None:
    name = add(server, "To be dragged")
    tab = visit(browser, server, WIDE)
    page = tab.go("board")
    find(page, "dragged")
    done = page.locator('[data-column="done"]')
    card(page, name).drag_to(done)
    assert state(server, name) == "todo", "nobody may call it done by hand"
    card(page, name).drag_to(page.locator('[data-column="canceled"]'))
    expect(page.locator(f'[data-column="canceled"] [data-task="{name}"]')).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f'[data-column="todo"] [data-task="{name}"]')).to_be_visible()
    assert state(server, name) == "todo"
    tab.close()


def test_what_the_server_refuses_is_rolled_back(browser: Browser, server: Visitor) -> None:
    name = add(server, "To be refused")
    tab = visit(browser, server, WIDE)
    page = tab.go("board")
    find(page, "refused")
    expect(card(page, name)).to_be_visible()
    tab.allowed = ("409",)
    answer = '{"error": {"code": "conflict", "message": "not now; wait a little"}}'
    page.route(
        f"**/api/issues/{name}",
        lambda route: route.fulfill(status=409, content_type="application/json", body=answer),
    )
    card(page, name).drag_to(page.locator('[data-column="canceled"]'))
    expect(page.get_by_role("alert")).to_contain_text("not now; wait a little")
    expect(page.locator(f'[data-column="todo"] [data-task="{name}"]')).to_be_visible()
    tab.close()


def test_the_board_by_keyboard_alone(tab: Tab, server: Visitor) -> None:
    first, second = add(server, "Keyed one"), add(server, "Keyed two")
    page = tab.page
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.locator("board-columns").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("keyed")
    expect(page.locator(".task-card")).to_have_count(2)
    page.get_by_label("Search tasks").evaluate("input => input.blur()")
    page.keyboard.press("j")
    expect(card(page, first).locator("a")).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("toolbar")).to_contain_text("2 tasks")
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator('[data-column="canceled"] .task-card')).to_have_count(2)
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(page.locator('[data-column="todo"] .task-card')).to_have_count(2)
    assert [state(server, name) for name in (first, second)] == ["todo", "todo"]
    page.keyboard.press("v")
    expect(page.locator(".task-table tbody tr[data-task]")).to_have_count(2)
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("task-view h1")).to_contain_text("Keyed")


def test_many_at_once(tab: Tab, server: Visitor) -> None:
    names = [add(server, f"Bulk {n}") for n in range(3)]
    page = tab.go("board/list")
    find(page, "bulk")
    page.get_by_label("Select all").check()
    page.get_by_role("button", name="Priority…").click()
    page.get_by_role("button", name="Urgent priority Urgent").click()
    expect(page.locator('.task-table .priority[data-priority="urgent"]')).to_have_count(3)
    page.get_by_role("button", name="Cancel tasks").click()
    expect(page.locator('.task-table .state-icon[data-state="canceled"]')).to_have_count(3)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No task is like that")).to_be_visible()
    assert all(server.ask("GET", f"/api/issues/{name}").status == 404 for name in names)


def test_filters_are_part_of_the_address(tab: Tab) -> None:
    page = tab.go("board/list?state=done")
    expect(page.locator(".task-table tbody tr[data-task]")).to_have_count(12)
    page.get_by_label("Priority").first.select_option("urgent")
    assert "priority=urgent" in page.url
    rows = page.locator(".task-table tbody tr[data-task]")
    expect(rows).not_to_have_count(12)
    shown = rows.count()
    assert 0 < shown < 12
    page.reload()
    expect(page.locator(".task-table tbody tr[data-task]")).to_have_count(shown)
    page.get_by_role("button", name="Cost").click()
    costs = [float(text[1:]) for text in page.locator("td.h-cost").all_inner_texts()]
    assert costs == sorted(costs, reverse=True)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".head p").first).not_to_contain_text(" of ")


def test_a_task_is_made_with_a_look_at_its_text(tab: Tab, server: Visitor) -> None:
    page = tab.go("board")
    page.get_by_role("button", name="New task").click()
    form = page.get_by_role("dialog", name="New task")
    form.get_by_label("Title").fill("Made by hand")
    form.get_by_role("textbox", name="Description").fill("It is **bold**.\n\n- [ ] one")
    form.get_by_role("button", name="Preview").click()
    expect(form.locator(".preview strong")).to_have_text("bold")
    form.get_by_label("Check").fill("make check")
    form.get_by_label("Depends on").fill("ENG-15")
    form.get_by_label("Most attempts").fill("2")
    form.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Made by hand")).to_be_visible()
    found = server.get("/api/issues?q=made%20by%20hand")["issues"][0]
    assert (found["check"], found["depends"], found["max_attempts"]) == (
        "make check",
        ["ENG-15"],
        2,
    )
    assert found["description"].startswith("It is **bold**.")


def test_two_editors_never_overwrite_each_other(
    browser: Browser, tab: Tab, server: Visitor
) -> None:
    name = add(server, "Two editors", description="as it was")
    other = visit(browser, server)
    forms = []
    for one in (tab, other):
        page = one.go(f"task/{name}")
        page.get_by_role("button", name="Edit").click()
        forms.append(page.get_by_role("dialog", name=f"Edit {name}"))
    forms[0].get_by_label("Title").fill("The first was faster")
    forms[0].get_by_label("Check").fill("true")
    forms[0].get_by_role("button", name="Save").click()
    expect(forms[0]).to_have_count(0)
    other.allowed = ("412",)
    forms[1].get_by_label("Title").fill("The second was slower")
    forms[1].get_by_label("Type").fill("bug")
    forms[1].get_by_role("button", name="Save").click()
    versions = forms[1].get_by_role("group", name="Two versions")
    expect(versions).to_contain_text("The first was faster")
    expect(versions).to_contain_text("The second was slower")
    assert not violations(other.page)
    assert server.get(f"/api/issues/{name}")["title"] == "The first was faster"
    versions.get_by_label("Yours").check()
    forms[1].get_by_role("button", name="Save").click()
    expect(forms[1]).to_have_count(0)
    found = server.get(f"/api/issues/{name}")
    assert [found[key] for key in ("title", "check", "type")] == [
        "The second was slower",
        "true",
        "bug",
    ]
    expect(tab.page.locator("h1")).to_contain_text("The second was slower")
    other.close()


def test_dependencies_as_a_graph(tab: Tab) -> None:
    page = tab.go("board/graph")
    expect(page.locator('.node[data-task="ENG-15"]')).to_be_visible()
    expect(page.locator(".edge.stuck")).to_have_count(1)
    page.locator('.node[data-task="ENG-19"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("task-facts")).to_contain_text("waits for ENG-14, which failed")


# ── a task ──


def test_comments_and_harmless_text(tab: Tab) -> None:
    page = tab.page
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))
    tab.go("task/ENG-13")
    expect(page.locator(".comments")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("main img, main script").count() == 0
    said = page.locator(".comments").inner_text()
    assert "\x1b" not in said and "\u202e" not in said
    page.get_by_label("Comment").fill("Said <b>by hand</b>")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comments li").last).to_contain_text("Said <b>by hand</b>")
    tab.go("live")
    expect(page.locator(".event").first).to_be_visible()
    tab.go("replay/eng-15-1-now?at=9")
    expect(page.locator("replay-detail")).to_contain_text("<script>alert(2)</script>")
    assert not opened


def test_what_a_reviewer_found_is_shown(tab: Tab) -> None:
    page = tab.go("task/ENG-15")
    review = page.locator(".review")
    expect(review).to_contain_text("request changes")
    expect(review.get_by_role("listitem")).to_contain_text("src/parser.py:3: blocker")
    expect(page.locator("task-facts")).to_contain_text("agent/work")
    page.get_by_role("tab", name="Changes").click()
    expect(page.locator(".diff-file")).to_have_count(2)
    page.get_by_role("button", name="src/parser.py").last.click()
    expect(page.locator(".diff")).to_have_count(1)


def test_an_agent_is_told_something(tab: Tab, server: Visitor) -> None:
    page = tab.go("task/ENG-15")
    page.get_by_role("button", name="Tell agent").click()
    page.get_by_label("It reads this before its next step").fill("Mind the old spelling")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").filter(has_text="will be told")).to_be_visible()
    events = server.get("/api/issues/ENG-15/events?limit=1000")["events"]
    assert events[-1]["action"] == "message"


def test_retry_reopen_and_tabs(tab: Tab, server: Visitor) -> None:
    page = tab.go("task/ENG-1")
    page.get_by_role("button", name="Reopen").click()
    expect(page.locator(".head .chip")).to_have_text("Todo")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".head .chip")).to_have_text("Done")
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Gate")).to_be_focused()
    page.keyboard.press("4")
    page.get_by_role("link", name=re.compile("Replay attempt")).first.click()
    expect(page.locator("replay-session")).to_be_visible()


# ── the rest ──


def test_a_question_is_answered_in_place(tab: Tab, server: Visitor) -> None:
    page = tab.page
    form = page.locator("need-list form")
    expect(form).to_contain_text("Which format shall win")
    form.get_by_label("Answer ENG-13").fill("The new one.")
    page.keyboard.press("Control+Enter")
    expect(form).to_have_count(0)
    assert state(server, "ENG-13") in ("todo", "in_progress")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("need-list .need")).to_have_count(0)
    assert state(server, "ENG-14") == "todo"


def test_the_team_is_steered(tab: Tab, server: Visitor) -> None:
    page = tab.page
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".banner")).to_contain_text("Paused")
    assert server.get("/api/team")["paused"]
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".banner")).to_have_count(0)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Keep").click()
    assert not server.get("/api/team")["run"]["stop_requested"]
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    assert server.get("/api/team")["run"]["stop_requested"]


def test_events_are_filtered(tab: Tab) -> None:
    page = tab.page
    page.get_by_label("Filter events").fill("eng-16")
    rows = page.locator(".event")
    expect(rows.first).to_contain_text("ENG-16")
    assert all("ENG-16" in text for text in rows.all_inner_texts())
    page.get_by_label("Filter events").fill("")
    page.get_by_role("button", name="Trouble").click()
    expect(page.locator('.event[data-mood="plain"]')).to_have_count(0)
    expect(page.locator('.event[data-mood="bad"]').first).to_be_visible()


def test_analytics(tab: Tab, browser: Browser) -> None:
    page = tab.go("analytics?days=90")
    expect(page.locator("chart-figure svg").first).to_be_visible()
    assert page.locator("chart-figure").count() >= 8
    assert page.locator("chart-figure svg").count() == page.locator("chart-figure table").count()
    page.get_by_role("button", name="7 days").click()
    assert "days=7" in page.url
    expect(page.locator("chart-figure table").first.locator("tbody tr")).to_have_count(7)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text().count("\n") > 5
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    told = json.loads(Path(download.value.path()).read_text())
    assert told["velocity"]["days"] and told["summary"]["tokens"] > 0


def test_a_session_is_played_again(tab: Tab) -> None:
    page = tab.go("replay")
    page.get_by_label("Sessions of a task").fill("ENG-15")
    page.keyboard.press("Enter")
    page.locator(".sessions .title a").first.click()
    beats = page.locator(".beat")
    expect(beats).to_have_count(11)
    expect(page.locator(".lane-names span")).to_have_count(4)
    page.get_by_role("button", name="8×").click()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".beat[aria-current]")).to_contain_text("Done, the check passes.")
    assert page.url.endswith("?at=11")
    for _ in range(5):
        page.keyboard.press("k")
    expect(page.locator("replay-detail tr.add")).to_have_count(3)
    expect(page.locator("replay-detail")).to_contain_text("The file was updated.")
    page.get_by_label("Search the session").fill("spelled nowhere")
    page.keyboard.press("Enter")
    expect(page.get_by_text("0 matches")).to_be_visible()
    page.get_by_label("Search the session").fill("PYTEST -Q")
    page.keyboard.press("Enter")
    expect(page.locator(".beat[aria-current]")).to_contain_text("$ pytest -q")
    page.get_by_label("Moment").press("Home")
    expect(page.locator(".beat").first).to_have_attribute("aria-current", "true")


def test_export_and_import(tab: Tab, server: Visitor) -> None:
    page = tab.go("exchange")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Markdown").click()
    assert "- [" in Path(download.value.path()).read_text()
    page.get_by_label("Or paste a check list").fill("- [ ] Imported one\n- [ ] Imported two\n")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("Will be added")).to_be_visible()
    assert not server.get("/api/issues?q=imported")["issues"], "only looked at"
    page.get_by_role("button", name="Import 2 tasks").click()
    expect(page.get_by_text("2 tasks added")).to_be_visible()
    assert len(server.get("/api/issues?q=imported")["issues"]) == 2
