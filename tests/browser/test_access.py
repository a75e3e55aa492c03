"""Every page for everybody: axe-core in light, dark and at 390 px; no sideways scroll; the keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

PAGES = [
    "sign-in",
    "servers",
    "server",
    "form",
    "form-errors",
    "jobs",
    "job-running",
    "job-done",
    "job-rejected",
    "key-pairs",
    "audit",
    "tokens",
    "health",
    "missing",
]

#: The breaker of the cloud is open, and the first job is one that opened it.
OPEN_BREAKER = """
from django.utils.timezone import now
from reinstall.domain.actors import ENGINE
from reinstall.models import Attempt, Cloud, SystemFlag
Attempt.objects.filter(job__state="succeeded").update(status=503)
name, reason = f"breaker:{Cloud.objects.get().pk}", "3 answers in 10 minutes did not say"
flag = {"value": {"open": True}, "reason": reason, "set_by": ENGINE.name, "set_at": now()}
SystemFlag.objects.create(name=name, **flag)
"""


@pytest.fixture(scope="module")
def addresses(portal: Stack) -> dict[str, str]:
    """An address for each page, with a job in each of three states behind it."""
    done, refused, running = portal.free_servers(3)
    (finished,) = portal.settled([portal.order([done])["jobs"][0]["id"]])
    answer = {"error": {"code": "Ecs.0314", "message": "the keypair <b>x</b> does not match the user_id"}}
    match = {"method": "POST", "path": "*/reinstallos"}
    portal.faults({"match": match, "times": 1, "do": "answer", "status": 400, "json": answer})
    (rejected,) = portal.settled([portal.order([refused])["jobs"][0]["id"]])
    portal.faults({"match": match, "times": 1, "do": "slow_job", "factor": 100})
    slow = portal.order([running], user_data="#!/bin/sh\n")["jobs"][0]["id"]
    # From here on every page carries the banners of a stopped portal, and the health page its forms.
    portal.manage("shell", "--no-imports", "-c", OPEN_BREAKER)
    stopped = portal.ask("POST", "system/freeze/", json={"on": True, "reason": "storage incident"})
    assert stopped.status_code == 200
    form = f"/servers/{done['id']}/reinstall/"
    return {
        "sign-in": "/sign-in/",
        "servers": "/servers/",
        "server": f"/servers/{done['id']}/",
        "form": form,
        "form-errors": form,
        "jobs": "/jobs/?tab=all",
        "job-running": f"/jobs/{slow}/",
        "job-done": f"/jobs/{finished['id']}/",
        "job-rejected": f"/jobs/{rejected['id']}/",
        "key-pairs": "/key-pairs/",
        "audit": "/audit/",
        "tokens": "/settings/tokens/",
        "health": "/manage/health/",
        "missing": "/jobs/999999/",
    }


@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_and_the_console_stays_quiet(
    mode: str, browser: Browser, portal: Stack, signed_in: Path, addresses: dict[str, str]
) -> None:
    found: dict[str, list[str]] = {}
    for name in PAGES:
        cookies = None if name == "sign-in" else signed_in
        context = opened(browser, portal, mode, cookies)
        page = context.new_page()
        wrong = watch(page)
        _open(page, name, addresses)
        found[name] = violations(page)
        # A page that is meant to be missing is one error of the browser's own.
        found[name] += [line for line in wrong if not (name == "missing" and "404" in line)]
        context.close()
    assert {name: rows for name, rows in found.items() if rows} == {}


def _open(page: Page, name: str, addresses: dict[str, str]) -> None:
    page.goto(addresses[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if name == "form-errors":
        page.get_by_role("button", name="Wipe and reinstall").click()
        expect(page.locator("#error-summary")).to_be_visible()


def test_nothing_scrolls_sideways_at_320_px(
    browser: Browser, portal: Stack, signed_in: Path, addresses: dict[str, str]
) -> None:
    wide = []
    for name in PAGES:
        cookies = None if name == "sign-in" else signed_in
        context = browser.new_context(
            base_url=portal.url, storage_state=cookies, viewport={"width": 320, "height": 700}
        )
        page = context.new_page()
        _open(page, name, addresses)
        over = too_wide_px(page)
        if over > 0:
            wide.append(f"{name}: {over} px")
        context.close()
    assert wide == []


def test_the_keyboard_alone_reaches_the_last_button(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["form"])
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const e = document.activeElement; const r = e.getBoundingClientRect();"
            " const inView = r.top >= 0 && r.bottom <= innerHeight + 1;"
            " return [e.textContent.trim().slice(0, 40) || e.name || '', inView] }"
        )
        seen.append(focused)
        if focused[0].startswith("Wipe and reinstall"):
            break
    assert seen[-1][0].startswith("Wipe and reinstall"), seen
    assert seen[0][0].startswith("Skip to"), seen[0]
