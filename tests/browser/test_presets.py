"""Presets in a real browser: made, taken in the form, edited there, named on the job; and without JS."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.browser.test_reinstall import fill_in, open_form
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

SCRIPT = "#!/bin/sh\necho one\necho two\n"


def make_preset(page: Page, name: str) -> None:
    page.goto("/presets/new/?project=shop-prod")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_text("Write", exact=True).click()
    page.get_by_label("First-boot script", exact=True).fill(SCRIPT)
    expect(page.locator("#script-warnings")).to_contain_text("Read as")
    page.get_by_text("Do not encrypt").click()
    page.get_by_label("What is new, and why").fill("first")
    page.get_by_role("button", name="Save preset").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{name} v1")


def test_from_a_preset_to_the_job_that_names_it(page: Page, portal: Stack) -> None:
    make_preset(page, "Base one")
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.get_by_label("Preset").select_option(label="Preset: Base one v1")
    expect(page.get_by_label("From preset")).to_be_checked()
    expect(page.locator("#checks")).to_contain_text("As the preset Base one v1 says.")
    expect(page.locator("#script-size")).to_contain_text("28 of 32,768 bytes")
    page.get_by_role("button", name="Edit a copy").click()
    page.get_by_label("First-boot script", exact=True).fill(SCRIPT.replace("two", "three"))
    page.locator("#script-diff summary").click()
    expect(page.locator("#script-diff .come")).to_contain_text("echo three")
    expect(page.locator("#script-diff .gone")).to_contain_text("echo two")
    expect(page.locator("#checks")).to_contain_text(
        "Different from the preset Base one v1: First-boot script."
    )
    # Enter sends the form, and does not take the preset once more.
    page.get_by_label("To go on, type the server name").fill(server["name"])
    page.keyboard.press("Enter")
    asked = page.locator("section:has(#asked-title)")
    expect(asked).to_contain_text("Base one v1, changed: First-boot script")


def test_without_javascript_a_preset_is_taken_with_its_button(
    browser: Browser, portal: Stack, signed_in: Path, page: Page
) -> None:
    make_preset(page, "Base plain")
    (server,) = portal.free_servers(1)
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"/servers/{server['id']}/reinstall/")
    plain.get_by_label("Reason").fill("OPS-1")
    plain.get_by_label("Preset").select_option(label="Preset: Base plain v1")
    plain.get_by_role("button", name="Use", exact=True).click()
    expect(plain.locator("input[name=preset]")).to_have_value(re.compile("base-plain@1"))
    expect(plain.get_by_label("Reason")).to_have_value("OPS-1")
    expect(plain.get_by_label("From preset")).to_be_checked()
    context.close()


@pytest.mark.parametrize("mode", MODES)
def test_the_pages_are_accessible_and_fit(
    mode: str, browser: Browser, portal: Stack, signed_in: Path, page: Page
) -> None:
    name = f"Base {mode}"
    make_preset(page, name)
    slug = f"base-{mode}"
    page.goto(f"/presets/{slug}/change/")
    expect(page.get_by_text("28 B from Base")).to_be_visible()
    page.get_by_role("button", name="Edit a copy").click()
    page.get_by_label("First-boot script", exact=True).fill(SCRIPT.replace("two", "three"))
    page.get_by_role("button", name="Save as v2").click()
    (server,) = portal.free_servers(1)
    context = opened(browser, portal, mode, signed_in)
    seen = context.new_page()
    wrong = watch(seen)
    for address in (
        "/presets/",
        f"/presets/{slug}/",
        f"/presets/{slug}/v/1/",
        f"/presets/{slug}/change/",
        f"/servers/{server['id']}/reinstall/",
    ):
        seen.goto(address)
        assert (violations(seen), too_wide_px(seen) <= 0, wrong) == ([], True, []), address
    seen.goto(f"/presets/{slug}/v/2/")
    seen.get_by_role("button", name="Show the script").click()
    expect(seen.locator("#script")).to_contain_text("echo three")
    expect(seen.locator(".gone")).to_contain_text("echo two")
    assert (violations(seen), too_wide_px(seen) <= 0, wrong) == ([], True, [])
    context.close()
