"""A real Chromium in front of a real portal: `serve` in its own process, a simulated cloud in another."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack

PASSWORD = "correct horse battery staple"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal with a person `alice` (superuser) in it; its cloud is thirty times as fast as a real one, or
    as the module says by SPEED."""
    data_dir, speed = tmp_path_factory.mktemp("portal"), getattr(request.module, "SPEED", 30)
    with running_stack("embedded", data_dir, {}, port=free_port(), speed=speed, servers=80) as running:
        running.add_person(f"User.objects.create_superuser('alice', password='{PASSWORD}')")
        yield running


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def signed_in(portal: Stack, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of alice, got by the sign-in page."""
    kept = tmp_path_factory.mktemp("cookies") / "alice.json"
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{portal.url}/servers/")
    page.get_by_label("User").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Servers")
    context.storage_state(path=kept)
    context.close()
    return kept


@pytest.fixture
def context(browser: Browser, portal: Stack, signed_in: Path) -> Iterator[BrowserContext]:
    """alice, signed in, at a laptop."""
    opened = browser.new_context(
        base_url=portal.url, storage_state=signed_in, viewport={"width": 1440, "height": 1000}
    )
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which any error in the console fails the test."""
    opened = context.new_page()
    wrong = watch(opened)
    yield opened
    assert wrong == []


def watch(page: Page) -> list[str]:
    """What goes wrong in the console of `page`, as it happens."""
    wrong: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            wrong.append(f"{message.text} {message.location.get('url', '')}")

    page.on("console", heard)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    return wrong
