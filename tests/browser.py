"""A real Chromium that looks at the page, and complains of whatever the page should not do."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.visitor import Visitor

ROOT = Path(__file__).resolve().parent.parent
AXE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE, WIDE = (1440, 900), (360, 740), (2560, 1440)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium() -> str:
    """Where it is; without one the tests of the page fail, and say how to get it."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("Chromium is missing: apt-get install chromium (make test does, as root)")
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    sandbox = () if os.getuid() else ("--no-sandbox",)
    expect.set_options(timeout=15_000)  # the machine may be busy with other tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*QUIET, *sandbox], env={"PATH": os.environ["PATH"]}
        )
        yield browser
        browser.close()


@dataclass
class Tab:
    """One page that is open, and what it has complained of."""

    context: BrowserContext
    page: Page
    server: Visitor
    complaints: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def go(self, view: str) -> Page:
        self.page.evaluate("view => { location.hash = view }", f"#/{view}")
        self.page.locator(f"main > {ELEMENTS[view.split('?')[0].split('/')[0]]}").wait_for()
        return self.page

    def calm(self) -> None:
        """Fail if the console or the content policy had anything to say."""
        found = [c for c in self.complaints if not any(word in c for word in self.allowed)]
        assert not found, "\n".join(found)

    def close(self) -> None:
        self.context.close()
        self.calm()


ELEMENTS = {
    "live": "live-view",
    "board": "board-view",
    "task": "task-view",
    "analytics": "analytics-view",
    "replay": "replay-view",
    "exchange": "exchange-view",
    "settings": "settings-view",
}


def visit(
    browser: Browser, server: Visitor, size: tuple[int, int] = DESKTOP, **options: Any
) -> Tab:
    """Open the link that `axon dashboard` prints."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, accept_downloads=True, **options
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    tab = Tab(context, page, server)
    page.on("console", tab.hear)
    page.on("pageerror", lambda error: tab.complaints.append(f"{error}\n{error.stack}"))
    page.goto(f"http://{server.host}/#token={server.token}")
    page.locator("live-view h1").wait_for()
    return tab


def axe_source() -> str:
    """axe-core, fetched by `make test`; with npm it is fetched here."""
    if not AXE.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.fail("axe-core is missing: install npm, then make test fetches it")
        folder = AXE.parents[2]
        words = ["install", "--prefix", str(folder), "--ignore-scripts", "--no-audit"]
        done = subprocess.run(
            [npm, *words, "axe-core@4.14.1"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return AXE.read_text()


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with what is shown now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe_source())
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
        ".then(({violations}) => violations.map(({id, help, nodes}) =>"
        " `${id}: ${help}: ${nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')}`))",
        WCAG,
    )
    return [str(one) for one in found]
