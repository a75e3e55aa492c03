"""The list of servers by keyboard, kept views, and how it looks to axe in light, dark and on a phone."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

LAPTOP, PHONE = ViewportSize(width=1440, height=1000), ViewportSize(width=390, height=844)
MODES: dict[str, tuple[Literal["light", "dark"], ViewportSize]] = {
    "light": ("light", LAPTOP),
    "dark": ("dark", LAPTOP),
    "phone": ("light", PHONE),
}
#: Everything open and shown that the list can show.
FULL = "/servers/?q=prod&protected=no&shown=1&col=zone&col=flavor&col=keyname&col=created&col=seen"


def names(page: Page) -> list[str]:
    return page.locator("tbody td.lead a").all_inner_texts()


def test_sorting_and_filtering_by_keyboard_alone(page: Page) -> None:
    page.goto("/servers/")
    first = names(page)
    head = page.get_by_role("columnheader", name="Name")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")
    assert names(page) != first

    page.locator("summary", has_text="Status").focus()
    page.keyboard.press("Enter")
    menu = page.get_by_label("Status", exact=True)
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator("summary", has_text="Status")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(menu).to_be_focused()
    page.keyboard.press("s")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("summary", has_text="Status: Stopped")).to_be_visible()
    assert "status=stopped" in page.url
    assert "ordering=-name" in page.url
    assert set(page.locator("tbody tr td:nth-child(3)").all_inner_texts()) == {"Stopped"}


def test_a_view_comes_back_with_filter_order_and_columns(page: Page) -> None:
    page.goto("/servers/?q=prod&ordering=-name&shown=1&col=zone")
    expected = names(page)
    page.locator("summary", has_text="Save view").click()
    page.get_by_label("Name of the view").fill("prod backwards")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("link", name="prod backwards")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.get_by_role("link", name="All", exact=True)).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="prod backwards").click()
    expect(page.get_by_role("columnheader", name="Zone")).to_be_visible()
    assert names(page) == expected
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("link", name="prod backwards")).to_have_count(0)


def test_without_javascript_a_menu_opens_and_narrows(
    browser: Browser, portal: Stack, signed_in: Path
) -> None:
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = context.new_page()
    page.goto("/servers/")
    page.locator("summary", has_text="Status").click()
    page.get_by_label("Status", exact=True).select_option("stopped")
    page.locator("details[open] button").click()
    expect(page.locator("summary", has_text="Status: Stopped")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 1 + len(names(page))
    context.close()


@pytest.mark.parametrize("mode", MODES)
def test_list_and_server_please_axe(browser: Browser, portal: Stack, signed_in: Path, mode: str) -> None:
    scheme, size = MODES[mode]
    context = browser.new_context(
        base_url=portal.url, storage_state=signed_in, color_scheme=scheme, viewport=size
    )
    page = context.new_page()
    for address in ("/servers/?q=prod", FULL, f"{FULL}&density=compact"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        for words in ("Status", "Columns", "Save view"):
            page.locator("summary", has_text=words).click()
            assert Axe().run(page).response["violations"] == []
            box = page.locator("details[open] .pop").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size["width"]
            page.keyboard.press("Escape")
    page.locator("tbody td.lead a").first.click()
    expect(page.get_by_role("heading", name="Rules that apply here")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    context.close()
