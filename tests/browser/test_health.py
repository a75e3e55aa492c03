"""The kill switch in a real browser: pressed, seen by everybody, nothing sent, released."""

import pytest
from playwright.sync_api import Page, expect

from tests.concurrency.stack import Stack, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


def test_one_press_stops_everything_new_and_one_lets_it_go_on(page: Page, portal: Stack) -> None:
    page.goto("/servers/")
    page.get_by_role("link", name="Health").click()
    main = page.locator("main")
    page.get_by_role("button", name="Stop all new reinstalls").click()
    expect(page.locator("#error-summary")).to_contain_text("Say why.")
    page.get_by_role("link", name="Say why.").click()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("storage incident")
    page.get_by_role("button", name="Stop all new reinstalls").dblclick()
    expect(main).to_contain_text("New reinstalls are stopped for everybody by alice since today")

    number = portal.order(portal.free_servers(1))["jobs"][0]["id"]
    wait_until(lambda: portal.job(number)["waiting_for"].startswith("Held: alice"), "the job to be held")
    page.goto(f"/jobs/{number}/")
    expect(main).to_contain_text("“storage incident”")
    assert portal.accepted() == []
    page.get_by_role("link", name="Open health").click()
    expect(main).to_contain_text("1 job waits.")

    page.get_by_label("Reason").fill("the array is well")
    page.get_by_role("button", name="Let reinstalls go on").click()
    expect(main).to_contain_text("Allowed")
    expect(page.locator(".guard")).to_have_count(0)
    (job,) = portal.settled([number])
    assert job["state"] == "succeeded"
    assert len(portal.accepted()) == 1
