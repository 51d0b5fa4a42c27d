"""What goes wrong while somebody works with the page costs nothing that was written or seen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import PHONE, Tab, launched, visit
from tests.drive import Axon
from tests.visitor import Visitor, start

LONG = "W" * 200


@pytest.fixture(scope="module")
def server(
    pyz: object, engine_cache: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitor]:
    axon = Axon(pyz=pyz, root=tmp_path_factory.mktemp("page") / "here", cache=engine_cache)  # type: ignore[arg-type]
    axon.make_repository()
    axon.ok("init")
    yield start(axon)
    axon.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, server: Visitor) -> Iterator[Tab]:
    tab = visit(browser, server)
    yield tab
    tab.close()


def add(server: Visitor, title: str) -> str:
    return str(server.post("/api/issues", {"title": title}, 201)["identifier"])


def let_go_outside(page: Page, field: str) -> None:
    """Mark a text and let go of the mouse beside the dialog."""
    box = page.locator(field).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(5, 300, steps=4)
    page.mouse.up()


def test_what_is_written_is_not_lost_by_a_slip(tab: Tab) -> None:
    page = tab.go("board")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    let_go_outside(page, "dialog h2")
    expect(sheet).to_be_visible()
    page.mouse.click(5, 300)
    expect(sheet).to_have_count(0)

    page.keyboard.press("c")
    text = page.get_by_label("Description", exact=True)
    text.fill("many words")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keep").click()
    expect(text).to_have_value("many words")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Leave", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_task_that_is_deleted_elsewhere_is_not_shown_on(tab: Tab, server: Visitor) -> None:
    tab.allowed = ("404",)
    page = tab.go(f"task/{(name := add(server, 'Soon gone'))}")
    expect(page.get_by_role("heading", name="Soon gone")).to_be_visible()
    assert server.ask("DELETE", f"/api/issues/{name}").status == 200
    expect(page.get_by_role("alert").filter(has_text=f"no task {name}")).to_be_visible()


def test_what_many_tasks_become_elsewhere_is_seen(tab: Tab, server: Visitor) -> None:
    names = [add(server, f"Of many {n}") for n in range(80)]
    page = tab.go("board/list?q=Of many")
    expect(page.locator("board-view .head p")).to_have_text("80 tasks of 80")
    change = {"identifiers": names, "action": "edit", "fields": {"priority": "urgent"}}
    server.post("/api/issues/bulk", change)
    page.get_by_label("Priority", exact=True).select_option("urgent")
    expect(page.locator("board-view .head p")).to_have_text("80 tasks of 80")
    server.post("/api/issues/bulk", {"identifiers": names, "action": "delete"})


def test_only_the_newest_look_at_a_file_counts(tab: Tab) -> None:
    page = tab.go("exchange")
    held: list[Route] = []

    def hold(route: Route) -> None:
        """The first one waits; those after it go through."""
        if held:
            route.continue_()
        held.append(route)

    page.route("**/api/import", hold)
    for text in ("- [ ] first list", "- [ ] second list"):
        page.get_by_label("Or paste a check list").fill(text)
        page.get_by_role("button", name="Look at it").click()
        if text.endswith("first list"):
            page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("second list")).to_be_visible()
    with page.expect_response("**/api/import"):
        held[0].continue_()
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")  # it may show a frame later
    expect(page.get_by_text("second list")).to_be_visible()
    expect(page.get_by_text("first list")).to_have_count(0)


def test_a_link_with_a_wrong_token_says_so(browser: Browser, server: Visitor) -> None:
    context = browser.new_context()
    page = context.new_page()
    for token in ("wrong", "100%"):
        page.goto("about:blank")
        page.goto(f"http://{server.host}/#token={token}")
        expect(page.get_by_text("The token in that link is not")).to_be_visible()
    page.get_by_label("Token").fill("50%")
    page.keyboard.press("Enter")
    expect(page.get_by_text("That is not this dashboard's token.")).to_be_visible()
    context.close()


def test_texts_that_are_too_long_stay_in_their_place(browser: Browser, server: Visitor) -> None:
    name, red = add(server, LONG), add(server, "\x1b[31mred\x1b[0m")
    tab = visit(browser, server, PHONE)
    page = tab.go("board")
    title = page.locator(f'.task-card[data-task="{name}"] a')
    assert title.evaluate("a => a.scrollWidth <= a.clientWidth")
    tab.go(f"task/{name}/events")
    expect(page.locator("task-view h1")).to_contain_text(LONG)
    assert page.get_by_role("tab", name="Events").evaluate(
        "tab => tab.getBoundingClientRect().right <= innerWidth"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    tab.go(f"task/{red}")
    expect(page.locator("task-view h1")).to_have_text("red")
    tab.close()
