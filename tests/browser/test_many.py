"""Many servers in a real browser: chosen over two pages by keyboard alone, or without JavaScript; placed."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import watch
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


def focus_by_tab(page: Page, target: Any, most: int = 400) -> None:
    """Goes to the element with the Tab key, as somebody without a mouse does; it must then be in sight."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            expect(target).to_be_in_viewport()
            return
    raise AssertionError("the Tab key does not reach it")


def usable_on(page: Page, portal: Stack) -> Any:
    """The box of a server of this page that no test had before."""
    rows = {row["id"] for row in portal.ask("GET", "servers/?limit=200").json()["results"] if row["why_not"]}
    for box in page.locator("input[name=server]:not(:checked)").all():
        key = box.get_attribute("value")
        if key not in rows | portal.handed_out:
            portal.handed_out.add(str(key))
            return page.locator(f"input[name=server][value='{key}']")
    raise AssertionError("no free server on this page")


def placed_order(page: Page, portal: Stack) -> list[dict[str, Any]]:
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    number = page.url.rpartition("=")[2]
    expect(page.get_by_role("heading", name=f"Order {number}")).to_be_visible()
    jobs: list[dict[str, Any]] = portal.ask("GET", f"jobs/?order={number}").json()["results"]
    return jobs


def test_the_keyboard_alone_selects_over_two_pages_and_places(page: Page, portal: Stack) -> None:
    page.goto("/servers/?project=shop-prod&ordering=-name")
    for last in (False, True):
        box = usable_on(page, portal)
        focus_by_tab(page, box)
        page.keyboard.press("Space")
        expect(page.locator("#selection-words")).to_contain_text("2 selected" if last else "1 selected")
        if not last:
            focus_by_tab(page, page.get_by_role("link", name="Next", exact=True))
            page.keyboard.press("Enter")
            page.wait_for_url("**cursor=**")
            expect(page.locator("#selection-words")).to_contain_text("1 selected")
    focus_by_tab(page, page.get_by_role("link", name="Reinstall 2 servers"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reinstall 2 servers")
    focus_by_tab(page, page.locator("select[name=keyname]"))
    page.keyboard.press("ArrowDown")
    expect(page.locator("#preview")).to_contain_text("os-reinstall")
    focus_by_tab(page, page.locator("[name=encrypted][value='']"))
    page.keyboard.press("ArrowDown")
    focus_by_tab(page, page.get_by_label("Reason"))
    page.keyboard.type("OPS-4417")
    focus_by_tab(page, page.locator("[name=confirm]"))
    page.keyboard.type("wipe 2 servers")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert len(placed_order(page, portal)) == 2


@pytest.fixture
def plain(browser: Browser, portal: Stack, signed_in: Path) -> Any:
    """alice in a browser without JavaScript."""
    opened: BrowserContext = browser.new_context(
        base_url=portal.url, storage_state=signed_in, java_script_enabled=False
    )
    yield opened.new_page()
    opened.close()


def test_without_javascript_too(plain: Page, portal: Stack) -> None:
    plain.goto("/servers/?project=shop-prod&ordering=-name")
    if plain.get_by_role("button", name="Clear selection", exact=True).count():
        plain.get_by_role("button", name="Clear selection", exact=True).click()
    usable_on(plain, portal).check()
    plain.get_by_role("button", name="Keep the ticks").click()
    expect(plain.locator("#selection-words")).to_contain_text("1 selected")
    plain.get_by_role("link", name="Next", exact=True).click()
    usable_on(plain, portal).check()
    plain.get_by_role("button", name="Keep the ticks").click()
    expect(plain.locator("#selection-words")).to_contain_text("2 selected")
    plain.get_by_role("link", name="Reinstall 2 servers").click()
    key = portal.ask("GET", "key-pairs/?project=shop-prod").json()["results"][0]
    plain.locator("select[name=keyname]").select_option(key["name"])
    plain.get_by_label("User ID the key pair belongs to").fill(key["userid"])
    plain.locator("[name=encrypted][value='0']").check()
    plain.get_by_label("Reason").fill("OPS-4417")
    plain.locator("[name=confirm]").fill("wipe 3 servers")
    plain.get_by_role("button", name="Wipe and reinstall 2 servers").click()
    expect(plain.locator("#error-summary")).to_contain_text("exactly as shown: wipe 2 servers")
    plain.locator("[name=confirm]").fill("wipe 2 servers")
    plain.get_by_role("button", name="Wipe and reinstall 2 servers").click()
    assert len(placed_order(plain, portal)) == 2


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)]
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Browser, portal: Stack, signed_in: Path, scheme: Any, width: int
) -> None:
    context = browser.new_context(
        base_url=portal.url,
        storage_state=signed_in,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    wrong = watch(page)
    page.goto("/servers/?project=shop-prod&q=web")
    page.get_by_role("button", name="that match").click()
    expect(page.locator("#selection-words")).to_contain_text("selected")
    clean(page)
    page.get_by_role("link", name=re.compile(r"Reinstall \d+ servers")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reinstall")
    clean(page)
    assert wrong == []
    context.close()


def clean(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert found == [], [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
