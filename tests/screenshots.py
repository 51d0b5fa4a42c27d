"""Take the pictures of the page that the README shows (make screenshots)."""

import os
import sys
import tempfile
from pathlib import Path

from tests.browser import PHONE, ROOT, Tab, launched, visit
from tests.drive import Axon
from tests.page_world import settle
from tests.visitor import start

FOLDER = ROOT / "tests" / "screenshots"
MOST_BYTES = 150 << 10
SIZE = (1200, 760)
# name, view, size, scheme
PICTURES = (
    ("live", "live", SIZE, "light"),
    ("board", "board", SIZE, "dark"),
    ("changes", "task/ENG-27/changes", SIZE, "light"),
    ("analytics", "analytics?days=30", SIZE, "dark"),
    ("replay", "replay/eng-27-1-now?at=6", SIZE, "light"),
    ("phone-live", "live", PHONE, "dark"),
    ("phone-board", "board", PHONE, "light"),
)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    pyz = Path(os.environ["AXON_TEST_PYZ"]).resolve()
    with tempfile.TemporaryDirectory() as place, launched() as browser:
        axon = Axon(pyz=pyz, root=Path(place, "textkit"), cache=Path(place, "cache"))
        settle(axon, tasks=24)
        try:
            server = start(axon)
            for name, view, size, scheme in PICTURES:
                tab = visit(browser, server, size, color_scheme=scheme, reduced_motion="reduce")
                take(tab, view, folder / f"{name}.png")
        finally:
            axon.end()


def take(tab: Tab, view: str, path: Path) -> None:
    page = tab.go(view)
    page.locator(".loading").first.wait_for(state="detached")
    page.evaluate(
        "new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))"
    )
    page.screenshot(path=path, animations="disabled")
    tab.close()
    bytes_ = path.stat().st_size
    print(f"{path.name}\t{bytes_ >> 10} KB")
    assert bytes_ <= MOST_BYTES, f"{path} is too large for a README"


if __name__ == "__main__":
    main()
