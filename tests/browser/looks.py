"""Light, dark and 390 px: a page opened in each, what axe-core finds there, whether it scrolls sideways."""

from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.concurrency.stack import Stack

LAPTOP, PHONE = ViewportSize(width=1440, height=1000), ViewportSize(width=390, height=844)
MODES: dict[str, tuple[Literal["light", "dark"], ViewportSize]] = {
    "light": ("light", LAPTOP),
    "dark": ("dark", LAPTOP),
    "phone": ("light", PHONE),
}


def opened(browser: Browser, portal: Stack, mode: str, cookies: Path | None) -> BrowserContext:
    """A context in that mode, signed in by `cookies`; axe is put into its pages past their policy."""
    scheme, viewport = MODES[mode]
    return browser.new_context(
        base_url=portal.url,
        storage_state=cookies,
        bypass_csp=True,
        color_scheme=scheme,
        viewport=viewport,
    )


def violations(page: Page) -> list[str]:
    """What axe-core finds, each with the first element it is about."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


def too_wide_px(page: Page) -> int:
    """Pixels the page is wider than the window; 0 or less is right."""
    over: int = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return over
