"""The audit log in a real browser: narrowed, an entry read, a file taken, a bent row named; and no JS."""

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.concurrency.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def job(portal: Stack) -> int:
    """A job that ran to its end."""
    (server,) = portal.free_servers(1)
    number: int = portal.order([server])["jobs"][0]["id"]
    portal.settled([number])
    return number


def actions(page: Page) -> list[str]:
    return page.locator("td code").all_inner_texts()


def test_the_log_is_narrowed_by_menus_and_a_row_leads_to_its_entry(page: Page, job: int) -> None:
    page.goto("/audit/")
    page.get_by_text("Object", exact=True).click()
    page.get_by_label("Kind of object").fill("job")
    page.get_by_label("Its ID").fill(str(job))
    page.keyboard.press("Enter")
    expect(page.locator("summary", has_text=f"Object: job {job}")).to_be_visible()
    assert actions(page)[-1] == "job.queued" and actions(page)[0] == "job.succeeded"
    page.get_by_text("What", exact=True).click()
    page.get_by_label("What was done").fill("job.running")
    page.keyboard.press("Enter")
    expect(page.locator("td code")).to_have_text(["job.running"])
    page.locator("td.num a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("job.running")
    state = page.locator("tr", has=page.get_by_role("rowheader", name="state", exact=True))
    expect(state).to_contain_text("submitting")
    expect(state).to_contain_text("running")
    page.get_by_role("link", name="Next entry of the same object").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("job.verifying")
    page.get_by_role("link", name="Previous entry of the same object").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("job.running")
    page.get_by_text("JSON before and after").click()
    expect(page.get_by_role("group", name="After")).to_contain_text("cloud_job_id")


def test_a_file_of_the_filter_is_taken_and_recorded(page: Page, job: int) -> None:
    page.goto(f"/audit/?object_type=job&object_id={job}")
    shown = actions(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    text = Path(taken.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["action"] for row in rows] == shown
    page.goto("/audit/?action=audit.exported")
    page.locator("td.num a").first.click()
    expect(page.locator("table.sides")).to_contain_text(f'"object_id": "{job}"')


def test_without_javascript_the_log_is_narrowed_and_verified(
    browser: Browser, portal: Stack, signed_in: Path, job: int
) -> None:
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    plain = context.new_page()
    plain.goto("/audit/")
    plain.locator("summary", has_text="Who").click()
    plain.get_by_label("Who", exact=True).fill("engine")
    plain.get_by_role("button", name="Apply").first.click()
    assert set(plain.locator("td.lead").all_inner_texts()) == {"engine"}
    plain.goto("/audit/verify/")
    plain.get_by_role("button", name="Verify now").click()
    expect(plain.locator(".note.ok")).to_contain_text("entries, chain unbroken")
    context.close()


@pytest.mark.parametrize("mode", MODES)
def test_the_pages_are_accessible_and_fit(
    mode: str, browser: Browser, portal: Stack, signed_in: Path, job: int
) -> None:
    entries = portal.ask("GET", f"audit/?object_type=job&object_id={job}").json()["results"]
    context = opened(browser, portal, mode, signed_in)
    seen = context.new_page()
    wrong = watch(seen)
    for address in ("/audit/", f"/audit/{entries[1]['id']}/", "/audit/verify/"):
        seen.goto(address)
        for summary in seen.locator("main details > summary").all()[:1]:
            summary.click()
        assert (violations(seen), too_wide_px(seen) <= 0, wrong) == ([], True, []), address
    context.close()


def test_a_row_bent_by_hand_is_named(page: Page, portal: Stack, job: int) -> None:
    """Last: from here on the history of this portal is broken."""
    with closing(sqlite3.connect(portal.data_dir / "ecsportal.sqlite3", timeout=20)) as database, database:
        (bent,) = database.execute(
            "SELECT id FROM reinstall_auditevent WHERE action = 'job.running' AND object_id = ?", (str(job),)
        ).fetchone()
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            database.execute("UPDATE reinstall_auditevent SET note = 'x' WHERE id = ?", (bent,))
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_no_update'").fetchone()
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("UPDATE reinstall_auditevent SET note = 'x' WHERE id = ?", (bent,))
        database.execute(sql)
    page.goto("/audit/verify/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator(".note.bad")).to_contain_text(f"The history is broken. Entry {bent} was changed")
    assert (violations(page), too_wide_px(page) <= 0) == ([], True)
    page.get_by_role("link", name=str(bent), exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("job.running")
