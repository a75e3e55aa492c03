"""The first-boot script in a real browser: the meter, findings without a reload, and without JS."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.test_access import MODES
from tests.browser.test_reinstall import fill_in, open_form
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

CONFIG = """\
#cloud-config
hostname: web
ssh_pwauth: yes
runcmdd:
  - echo
users:
  - name: a
    passwd: hunter2x
"""


def test_the_meter_counts_bytes_as_one_types(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    page.get_by_text("Write", exact=True).click()
    script, meter = page.get_by_label("First-boot script"), page.locator("#script-size")
    script.fill("é😀")
    expect(meter).to_have_text("6 of 32,768 bytes before base64")
    script.fill("é" * 16_384)
    expect(meter).to_have_text("32,768 of 32,768 bytes before base64, 0 left")
    script.fill("é" * 16_384 + "a")
    expect(meter).to_have_text("32,769 of 32,768 bytes before base64: 1 too many")
    expect(page.locator("#script-warnings")).to_contain_text(
        "Must be fixed: The first-boot script has 32,769 bytes"
    )


def test_findings_come_without_a_reload_and_lead_to_their_lines(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.get_by_text("Write", exact=True).click()
    script, found = page.get_by_label("First-boot script"), page.locator("#script-warnings")
    script.fill(CONFIG)
    expect(found).to_contain_text("Read as cloud-config. 3 things to look at.")
    expect(page.locator("#line-numbers .w")).to_have_text(["3", "4", "8"])
    expect(found).not_to_contain_text("hunter2x")
    found.get_by_role("link", name="Line 4").click()
    expect(script).to_be_focused()
    picked = script.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert picked == "runcmdd:"
    page.keyboard.type("runcmd:")
    expect(found).to_contain_text("2 things to look at.")
    expect(page.locator("#line-numbers .w")).to_have_text(["3", "8"])
    page.locator("#preview-shell summary").click()
    expect(page.locator("#preview-curl")).to_contain_text("X-Auth-Token: $TOKEN")
    expect(page.locator("#preview")).not_to_contain_text("hunter2x")


def test_an_empty_file_is_named(page: Page, portal: Stack, tmp_path: Path) -> None:
    (tmp_path / "boot.sh").touch()
    (server,) = portal.free_servers(1)
    open_form(page, server)
    page.get_by_text("Upload", exact=True).click()
    page.get_by_label("Script file").set_input_files(tmp_path / "boot.sh")
    expect(page.locator("#script-warnings")).to_contain_text(
        "boot.sh is empty: no first-boot script is sent."
    )


def test_what_the_server_would_not_read_is_not_sent_and_not_lost(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.get_by_text("Write", exact=True).click()
    page.get_by_label("First-boot script").fill("x" * 300_000)
    page.locator("[name=confirm]").fill(server["name"])
    page.get_by_role("button", name="Wipe and reinstall").click()
    expect(page.locator("#announcer")).to_have_text(re.compile("too many"))
    expect(page.get_by_label("First-boot script")).to_have_value("x" * 300_000)
    assert page.url.endswith("/reinstall/")


def test_without_javascript_the_same_is_said(browser: Browser, portal: Stack, signed_in: Path) -> None:
    plain = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = plain.new_page()
    (server,) = portal.free_servers(1)
    open_form(page, server)
    page.locator("[name=user_data_source][value=write]").check(force=True)
    page.get_by_label("First-boot script").fill(CONFIG)
    page.get_by_role("button", name="Check and preview again").click()
    expect(page.locator("#script-size")).to_have_text(f"{len(CONFIG)} of 32,768 bytes before base64")
    expect(page.locator("#script-warnings")).to_contain_text("Did you mean runcmd?")
    expect(page.get_by_label("First-boot script")).to_have_value(CONFIG)
    expect(page.locator("#script-warnings").get_by_role("link", name="Line 4")).to_have_attribute(
        "href", "#id_user_data"
    )
    plain.close()


@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_with_findings_and_both_previews(
    mode: str, browser: Browser, portal: Stack, signed_in: Path
) -> None:
    scheme, viewport = MODES[mode]
    context = browser.new_context(
        base_url=portal.url, storage_state=signed_in, bypass_csp=True, color_scheme=scheme, viewport=viewport
    )
    page = context.new_page()
    wrong = watch(page)
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.get_by_text("Write", exact=True).click()
    page.get_by_label("First-boot script").fill(CONFIG + "x" * 33_000)
    expect(page.locator("#script-warnings")).to_contain_text("Must be fixed")
    assert _violations(page) == []
    page.get_by_label("First-boot script").fill(CONFIG)
    expect(page.locator("#script-warnings")).to_contain_text("3 things")
    page.locator("#preview-shell summary").click()
    assert _violations(page) == [] and wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def _violations(page: Page) -> list[str]:
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in Axe().run(page).response["violations"]]
