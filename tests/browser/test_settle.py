"""An unclear outcome in a real browser: looked at, answered by a person, written down, the server free."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.concurrency.stack import Stack, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

END_MS = 60_000
WHY = "OTC console, 14:20: up since May, same disk"

#: Nothing shortens the time in which a signed request may still arrive. The test lets it be over instead.
AGED = """
from datetime import timedelta
from django.db.models import F
from django.utils.timezone import now
from reinstall.models import Attempt, Job
ago = timedelta(minutes=30)
Attempt.objects.filter(job={number}).update(intent_at=F("intent_at") - ago, signed_at=F("signed_at") - ago)
Job.objects.filter(pk={number}).update(state_since=F("state_since") - ago, next_at=now())
"""


def unclear_job(portal: Stack) -> tuple[int, dict[str, Any]]:
    """A job whose call was read and never answered, and its server."""
    match = {"method": "POST", "path": "*/reinstallos"}
    portal.faults({"match": match, "times": 1, "do": "drop_after_read"})
    (server,) = portal.free_servers(1)
    return portal.order([server], user_data="#!/bin/sh\necho hello\n")["jobs"][0]["id"], server


def age(portal: Stack, number: int) -> None:
    """All looks it makes by itself are over."""
    portal.manage("shell", "--no-imports", "-c", AGED.format(number=number))


def waiting_job(portal: Stack) -> tuple[int, dict[str, Any]]:
    """An unclear job that waits for a person."""
    number, server = unclear_job(portal)
    wait_until(lambda: portal.job(number)["state"] == "uncertain", "the call to go unanswered")
    age(portal, number)
    (job,) = portal.settled([number])
    assert job["state"] == "attention"
    return number, server


def accepted_for(portal: Stack, server: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in portal.accepted() if row["server_id"] == server["id"]]


def test_from_no_answer_to_a_free_server(page: Page, portal: Stack) -> None:
    number, server = unclear_job(portal)
    page.goto(f"/jobs/{number}/")
    page.evaluate("() => { window.neverReloaded = true }")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Outcome unknown", timeout=END_MS)
    main = page.locator("main")
    expect(main).to_contain_text("The request went out, but no answer came back.")
    expect(main).to_contain_text("Server is locked here")
    # The form came with the change of the state; what is typed into it stays when the state changes again.
    page.get_by_label("How do you know?").fill(WHY)
    age(portal, number)
    expect(heading).to_contain_text("Needs a look", timeout=END_MS)
    assert page.evaluate("() => window.neverReloaded") is True
    expect(page.get_by_label("How do you know?")).to_have_value(WHY)
    expect(page.locator("#job-signs")).to_contain_text("it never started")
    expect(page.locator("#job-compared")).to_contain_text("System disk")
    page.locator("#job-sent summary").click()
    expect(page.locator("#job-sent")).to_contain_text("hidden: 21 B")

    page.get_by_role("button", name=f"Settle job #{number}").click()
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Choose what you found.")
    page.get_by_label("How do you know?").fill("")
    page.get_by_text("It never started", exact=True).click()
    page.get_by_role("button", name=f"Settle job #{number}").click()
    expect(summary).to_contain_text("Say how you know")
    expect(page.get_by_role("radio", name=re.compile("It never started"))).to_be_checked()
    page.get_by_label("How do you know?").fill(WHY)
    page.get_by_role("button", name=f"Settle job #{number}").click()
    expect(heading).to_contain_text("Never started")
    expect(page).to_have_url(re.compile(f"/jobs/{number}/$"))
    expect(main).to_contain_text(WHY)
    expect(page.locator("#settle-form")).to_have_count(0)

    entries = portal.ask("GET", f"audit/?object_type=job&object_id={number}").json()["results"]
    (last,) = [entry for entry in entries if entry["action"] == "job.not_applied"]
    assert (last["actor"], last["source"], last["note"]) == ("alice", "browser", WHY)
    assert last["before"] == {"state": "attention"}
    assert accepted_for(portal, server) == []
    page.goto(f"/servers/{server['id']}/")
    expect(page.get_by_role("link", name="Reinstall", exact=True)).to_be_visible()
    again = portal.order([server])["jobs"][0]["id"]
    assert portal.settled([again])[0]["state"] == "succeeded"
    assert len(accepted_for(portal, server)) == 1


def test_without_javascript_it_can_be_settled_too(browser: Browser, portal: Stack, signed_in: Path) -> None:
    number, server = waiting_job(portal)
    plain = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"/servers/{server['id']}/")
    expect(page.locator("main")).to_contain_text(f"held by #{number}")
    page.get_by_role("link", name=f"Watch job #{number}").click()
    page.get_by_role("radio", name=re.compile("It ran, but I do not know")).check()
    page.get_by_label("How do you know?").fill(WHY)
    page.get_by_role("button", name=f"Settle job #{number}").click()
    page.wait_for_url(f"**/jobs/{number}/")
    # The disks say that it did not run: the job is back before a person, and says so.
    (job,) = portal.settled([number])
    assert job["state"] == "attention"
    page.reload()
    expect(page.locator("#job-outcome")).to_contain_text("system disk is still the old one")
    page.get_by_role("radio", name=re.compile("It never started")).check()
    page.get_by_label("How do you know?").fill(WHY)
    page.get_by_role("button", name=f"Settle job #{number}").click()
    page.wait_for_url(f"**/jobs/{number}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Never started")
    plain.close()


def test_axe_finds_nothing_in_any_mode(browser: Browser, portal: Stack, signed_in: Path) -> None:
    number, _ = waiting_job(portal)
    found: dict[str, list[str]] = {}
    for mode in MODES:
        context = opened(browser, portal, mode, signed_in)
        page = context.new_page()
        wrong = watch(page)
        for name in ("page", "errors"):
            page.goto(f"/jobs/{number}/")
            if name == "errors":
                page.get_by_role("button", name=f"Settle job #{number}").click()
                expect(page.locator("#error-summary")).to_be_visible()
            page.locator("#job-sent summary").click()
            found[f"{name} {mode}"] = violations(page) + wrong
            over = too_wide_px(page)
            assert over <= 0, f"{name} {mode}: {over} px too wide"
        context.close()
    assert {name: rows for name, rows in found.items() if rows} == {}
