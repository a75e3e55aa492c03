"""The list of servers while it stays open: cells change where they stand, rows never move, a line says so."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.looks import MODES
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

LINE = "#list-changed"
#: Slow enough that a page sees a run on its way.
SPEED = 6
#: A page asks every five seconds.
SOON_MS = 15_000


def row_of(page: Page, server: dict[str, Any]) -> Any:
    return page.locator("tbody tr", has=page.locator(f"a[href='/servers/{server['id']}/']"))


def places(page: Page) -> list[list[float]]:
    """Top and height of every row, as somebody sees them."""
    found: list[list[float]] = page.evaluate(
        "[...document.querySelectorAll('tbody tr')].map(r => [r.getBoundingClientRect().y, r.offsetHeight])"
    )
    return found


def protect(portal: Stack, server: dict[str, Any], reason: str) -> None:
    answer = portal.ask("POST", f"servers/{server['id']}/protect/", json={"reason": reason})
    assert answer.status_code < 300, answer.text


def test_a_run_is_followed_in_the_list_to_its_end(page: Page, portal: Stack) -> None:
    [server] = portal.free_servers(1)
    page.goto(f"/servers/?project=shop-prod&q={server['name']}")
    row = row_of(page, server)
    box, reinstall = row.locator("input[name=server]"), row.get_by_role("link", name="Reinstall")
    box.check()
    expect(page.locator("#selection-words")).to_contain_text("1 selected")
    page.evaluate("window.opened = 'once'")
    [job] = portal.order([server])["jobs"]
    name = row.locator(".lead a")
    name.focus()
    expect(row).to_contain_text(f"Held by #{job['id']}", timeout=SOON_MS)
    expect(box).to_have_count(0)
    expect(reinstall).to_have_count(0)
    expect(page.locator("#nav-jobs")).to_have_text("1 running")
    expect(row.get_by_role("link", name="Succeeded")).to_be_visible(timeout=120_000)
    expect(page.locator("#nav-jobs")).to_have_text("")
    expect(reinstall).to_be_visible()
    expect(box).to_be_checked()
    expect(name).to_be_focused()
    expect(page.locator("#list-mark")).to_have_text("Live")
    assert page.evaluate("window.opened") == "once", "the page was not loaded anew"


def test_rows_stay_under_the_pointer_and_a_line_leads_to_the_list_anew(page: Page, portal: Stack) -> None:
    [server] = portal.free_servers(1)
    page.goto("/servers/?project=shop-prod&protected=no&ordering=-name&shown=1")
    row = row_of(page, server)
    row.locator(".lead a").hover()
    before = places(page)
    reason = "held for the audit of the year, ask the people of the shop before anything is done to it"
    protect(portal, server, reason)
    expect(page.locator(LINE)).to_contain_text("1 server changed", timeout=SOON_MS)
    expect(page.locator("#announcer")).to_contain_text("1 server changed")
    assert places(page) == before
    expect(row).not_to_contain_text(reason)
    page.mouse.move(5, 5)
    expect(row).to_contain_text(reason)
    assert [y for y, _ in places(page)][0] == before[0][0]
    page.locator(LINE).get_by_role("link", name="show").click()
    page.wait_for_url("**protected=no**")
    expect(page.locator("summary", has_text="Protected: No")).to_be_visible()
    expect(row).to_have_count(0)


def test_what_has_the_focus_is_not_taken_away(page: Page, portal: Stack) -> None:
    [server] = portal.free_servers(1)
    page.goto(f"/servers/?project=shop-prod&q={server['name']}")
    row = row_of(page, server)
    link = row.get_by_role("link", name="Reinstall")
    link.focus()
    protect(portal, server, "soon")
    expect(row.locator("input[name=server]")).to_have_count(0, timeout=SOON_MS)
    expect(link).to_be_focused()
    page.keyboard.press("Tab")
    expect(row).to_contain_text("is protected by")


def test_a_portal_that_is_away_is_said_and_found_again(page: Page, portal: Stack) -> None:
    page.goto("/servers/?project=shop-prod")
    page.route("**/servers/changes/**", lambda route: route.fulfill(status=200, body="not JSON"))
    mark = page.locator("#list-mark")
    expect(mark).to_have_text(re.compile(r"Not live since \d\d:\d\d:\d\d\. Trying again\."), timeout=30_000)
    page.unroute("**/servers/changes/**")
    expect(mark).to_have_text("Live", timeout=SOON_MS)


def test_without_javascript_nothing_calls_itself_live(
    browser: Browser, portal: Stack, signed_in: Path
) -> None:
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = context.new_page()
    page.goto("/servers/?project=shop-prod")
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page.locator("#list-mark")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("mode", MODES)
def test_the_line_pleases_axe(
    browser: Browser, portal: Stack, signed_in: Path, mode: str, tmp_path: Path
) -> None:
    scheme, size = MODES[mode]
    context = browser.new_context(
        base_url=portal.url, storage_state=signed_in, color_scheme=scheme, viewport=size
    )
    page = context.new_page()
    [server] = portal.free_servers(1)
    page.goto("/servers/?project=shop-prod&protected=no&ordering=-name")
    protect(portal, server, "for the picture")
    expect(page.locator(LINE)).to_contain_text("1 server changed", timeout=SOON_MS)
    page.screenshot(path=tmp_path / f"{mode}.png")
    page.evaluate("window.scrollTo(0, 500)")
    expect(page.locator(LINE)).to_be_in_viewport()
    page.screenshot(path=tmp_path / f"{mode}-below.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert Axe().run(page).response["violations"] == []
    context.close()
