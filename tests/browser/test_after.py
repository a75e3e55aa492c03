"""A reinstall with a made password in a real browser, and the page after the run: countdown, axe."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

END_MS = 60_000


def finished_job(portal: Stack) -> dict[str, Any]:
    (server,) = portal.free_servers(1)
    (job,) = portal.settled([portal.order([server])["jobs"][0]["id"]])
    assert job["state"] == "succeeded"
    return job


def test_a_password_is_made_copied_and_sent_and_stands_on_no_page_after(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/servers/{server['id']}/reinstall/")
    expect(page.get_by_label("Password", exact=True)).to_be_hidden()
    page.get_by_role("radio", name=re.compile("^Password")).check()
    expect(page.get_by_label("Key pair", exact=True)).to_be_hidden()
    field = page.get_by_label("Password", exact=True)
    page.get_by_role("button", name="Generate").click()
    made = field.input_value()
    assert len(made) == 20 and field.get_attribute("type") == "text"
    page.get_by_role("button", name="Hide").click()
    assert field.get_attribute("type") == "password"
    page.locator("[data-password=copy]").click()
    assert page.evaluate("() => navigator.clipboard.readText()") == made
    expect(page.locator("[data-password=copy]")).to_have_attribute("data-copy", "")
    expect(page.locator("#preview")).to_contain_text('"adminpass": "hidden"')
    page.get_by_label("Reason").fill("OPS-4417")

    page.locator("[name=confirm]").fill("another")
    page.get_by_role("button", name="Wipe and reinstall").click()
    expect(page.locator("#id_adminpass-error")).to_contain_text("Type the password again")
    assert made not in page.content() and field.input_value() == ""

    field.fill(made)
    page.locator("[name=confirm]").fill(server["name"])
    page.get_by_role("button", name="Wipe and reinstall").click()
    page.wait_for_url("**/jobs/*/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    expect(page.locator("#job-after")).to_contain_text("Sign in with the password you set.")
    assert made not in page.content()
    (row,) = [row for row in portal.accepted() if row["server_id"] == server["id"]]
    assert row["body"] == {"os-reinstall": {"adminpass": made, "mode": "withStopServer"}}


def test_the_countdown_ticks_and_is_honest_when_it_is_over(page: Page, portal: Stack) -> None:
    job = finished_job(portal)
    page.clock.install()
    page.goto(f"/jobs/{job['id']}/")
    badge = page.get_by_role("heading", level=1).get_by_text("Leave it alone")
    note = page.locator("#job-after .note")
    expect(badge).to_be_visible()
    left = note.locator("[data-until]")
    expect(left).to_have_text(re.compile(r"^[0-4]:\d\d$"))
    first = left.inner_text()
    page.clock.run_for(3000)
    expect(left).not_to_have_text(first)
    page.clock.fast_forward(301_000)
    expect(note).to_be_hidden()
    expect(badge).to_be_hidden()
    expect(page.locator("#job-after")).to_contain_text("That time is over.")
    expect(page.get_by_text("That time is over.")).to_be_visible()


def test_the_commands_are_copied_as_they_stand(page: Page, portal: Stack) -> None:
    job = finished_job(portal)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/jobs/{job['id']}/")
    page.get_by_role("button", name="Copy the commands").click()
    copied = page.evaluate("() => navigator.clipboard.readText()").splitlines()
    assert copied == [f"ssh-keygen -R {host}" for host in job["after"]["ssh_known_hosts"]]
    assert copied[-1] == f"ssh-keygen -R {job['server']['name']}"
    page.get_by_role("link", name="Report as text").click()
    expect(page.locator("body")).to_contain_text(f"Job #{job['id']}: reinstall of")


def test_axe_finds_nothing_after_the_run_and_in_the_password_form(
    browser: Browser, portal: Stack, signed_in: Path
) -> None:
    job = finished_job(portal)
    found: dict[str, list[str]] = {}
    for mode in MODES:
        context = opened(browser, portal, mode, signed_in)
        page = context.new_page()
        wrong = watch(page)
        for name in ("after", "form"):
            page.goto(
                f"/jobs/{job['id']}/" if name == "after" else f"/servers/{job['server']['id']}/reinstall/"
            )
            if name == "form":
                page.get_by_role("radio", name=re.compile("^Password")).check()
                page.get_by_role("button", name="Wipe and reinstall").click()
                expect(page.locator("#id_adminpass-error")).to_be_visible()
            found[f"{name} {mode}"] = violations(page) + wrong
            over = too_wide_px(page)
            assert over <= 0, f"{name} {mode}: {over} px too wide"
        context.close()
    assert {name: rows for name, rows in found.items() if rows} == {}
