"""The pages about REST in a browser: axe-core in each mode, trying a call with and without JavaScript."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_and_nothing_is_too_wide(
    mode: str, browser: Browser, portal: Stack, signed_in: Path
) -> None:
    context = opened(browser, portal, mode, signed_in)
    page = context.new_page()
    wrong = watch(page)
    for address in ("/api/docs/", "/api/docs/orders/", "/api/docs/jobs/", "/api/docs/servers/"):
        page.goto(address)
        for closed in page.locator("details").all():
            closed.evaluate("details => { details.open = true }")
        assert violations(page) == [], address
        assert too_wide_px(page) <= 0, address
    assert wrong == []
    context.close()


def test_a_call_is_tried_where_it_is_explained(page: Page) -> None:
    page.goto("/api/docs/")
    page.get_by_role("link", name="Servers", exact=True).nth(1).click()
    form = page.get_by_role("form", name="Try list_servers")
    form.get_by_label("Words").fill("web-prod-01")
    form.get_by_role("button", name="Try it").click()
    result = page.locator("#list_servers-result")
    expect(result).to_contain_text("200 OK")
    expect(result).to_contain_text('"name": "web-prod-01"')
    assert "/api/docs/servers/" in page.url


def test_without_javascript_the_same_form_opens_the_answer(
    browser: Browser, portal: Stack, signed_in: Path
) -> None:
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = context.new_page()
    page.goto("/api/docs/servers/")
    expect(page.locator("#list_servers-result")).to_be_hidden()
    page.get_by_role("form", name="Try list_servers").get_by_role("button").click()
    found = json.loads(page.locator("pre").inner_text())
    assert len(found["results"]) == 3
    context.close()
