"""The main job in a real browser: sign in, pick a server, fill in, watch it run to the end."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import watch
from tests.concurrency.stack import Stack, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

END_MS = 60_000


def open_form(page: Page, server: dict[str, Any]) -> None:
    page.goto(f"/servers/{server['id']}/reinstall/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(server["name"])


def fill_in(page: Page, server: dict[str, Any]) -> None:
    """Everything a reinstall needs but the typed name."""
    page.get_by_label("Key pair", exact=True).select_option(index=1)
    expect(page.get_by_label("User ID the key pair belongs to")).to_have_value(re.compile("^[0-9a-f]{32}$"))
    page.get_by_label("Reason").fill("OPS-4417")


def wipe_button(page: Page, server: dict[str, Any]) -> Any:
    return page.get_by_role("button", name=f"Wipe and reinstall {server['name']}")


def accepted_for(portal: Stack, server: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in portal.accepted() if row["server_id"] == server["id"]]


def test_f62_from_the_list_to_success_with_a_double_click(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    page.goto("/servers/")
    page.get_by_label("Search servers").fill(server["name"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name=server["name"], exact=True).click()
    page.get_by_role("link", name="Reinstall", exact=True).click()
    fill_in(page, server)
    page.get_by_text("Write", exact=True).click()
    page.get_by_label("First-boot script").fill("#!/bin/sh\necho one\necho two\n")
    expect(page.locator("#script-size")).to_contain_text("28")
    expect(page.locator("#preview")).to_contain_text("withStopServer")
    expect(page.locator("#preview")).to_contain_text("hidden")

    page.locator("[name=confirm]").fill("web-prod-99")
    wipe_button(page, server).click()
    summary = page.locator("#error-summary")
    expect(summary).to_contain_text(f"Type the server name exactly as shown: {server['name']}")
    expect(page).to_have_title(re.compile("^Error: "))
    assert accepted_for(portal, server) == []
    expect(page.get_by_label("First-boot script")).to_have_value("#!/bin/sh\necho one\necho two\n")

    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).dblclick()
    page.wait_for_url("**/jobs/*/")
    page.evaluate("() => { window.neverReloaded = true }")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    assert page.evaluate("() => window.neverReloaded") is True
    assert page.title().startswith("Succeeded")
    expect(page.get_by_role("status").first).to_contain_text("Reinstalled")

    (row,) = accepted_for(portal, server)
    script = base64.b64decode(row["body"]["os-reinstall"]["metadata"]["user_data"])
    assert script == b"#!/bin/sh\necho one\necho two\n"
    jobs = portal.ask("GET", f"jobs/?server={server['id']}").json()["results"]
    assert len(jobs) == 1, "a double click made more than one job"


def test_f62_the_back_button_makes_no_second_job(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    page.wait_for_url("**/jobs/*/")
    number = int(page.url.rstrip("/").rsplit("/", 1)[1])
    page.go_back()
    page.get_by_label("Key pair", exact=True).select_option(index=1)
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    # A browser that kept the page sends the same once-only key; one that fetched it anew is told who has
    # the server.
    expect(page.locator("main")).to_contain_text(f"#{number}")
    portal.settled([number])
    assert len(accepted_for(portal, server)) == 1


def test_f62_a_form_that_is_sent_again_lands_on_the_job_it_made(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.locator("[name=confirm]").fill(server["name"])
    typed = page.evaluate("() => Object.fromEntries(new FormData(document.getElementById('reinstall-form')))")
    fields: dict[str, str | float | bool] = {n: v for n, v in typed.items() if isinstance(v, str)}
    fields["action"] = "place"
    headers = {"Referer": page.url}
    answers = [page.request.post(page.url, form=fields, headers=headers, max_redirects=0) for _ in range(3)]
    assert [answer.status for answer in answers] == [303, 303, 303]
    assert len({answer.headers["location"] for answer in answers}) == 1
    number = int(answers[0].headers["location"].rstrip("/").rsplit("/", 1)[1])
    portal.settled([number])
    again = page.request.post(page.url, form=fields, headers=headers, max_redirects=0)
    assert again.headers["location"] == answers[0].headers["location"], (
        "the finished job's form made a second one"
    )
    assert len(accepted_for(portal, server)) == 1


def test_f62_two_tabs_with_the_same_form_make_one_job(context: BrowserContext, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    tabs = [context.new_page(), context.new_page()]
    wrong = [watch(tab) for tab in tabs]
    for tab in tabs:
        open_form(tab, server)
        fill_in(tab, server)
        tab.locator("[name=confirm]").fill(server["name"])
    first, second = tabs
    wipe_button(first, server).click()
    first.wait_for_url("**/jobs/*/")
    number = int(first.url.rstrip("/").rsplit("/", 1)[1])
    wipe_button(second, server).click()
    expect(second.locator("main")).to_contain_text(f"held by job #{number}")
    # Reloaded, the answer to a form is sent anew; it is still told who has the server.
    second.reload()
    expect(second.locator("main")).to_contain_text(f"held by job #{number}")
    first.reload()
    portal.settled([number])
    assert len(accepted_for(portal, server)) == 1
    assert len(portal.ask("GET", f"jobs/?server={server['id']}").json()["results"]) == 1
    assert wrong == [[], []]


def test_f64_two_people_one_server_the_second_is_told_who_was_faster(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    placed = portal.order([server])
    number = placed["jobs"][0]["id"]
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    expect(page.locator("#error-summary")).to_contain_text(f"#{number}")
    expect(page.locator("#error-summary")).to_contain_text("not sent")
    portal.settled([number])
    assert len(accepted_for(portal, server)) == 1


def test_an_expired_form_keeps_what_was_typed_and_sends_nothing(page: Page, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.locator("[name=confirm]").fill(server["name"])
    page.locator("[name=once]").evaluate("(field) => { field.value = 'stale' }")
    wipe_button(page, server).click()
    expect(page.locator("#error-summary")).to_contain_text("Nothing was sent")
    expect(page.get_by_label("Reason")).to_have_value("OPS-4417")
    assert accepted_for(portal, server) == []
    wipe_button(page, server).click()
    page.wait_for_url("**/jobs/*/")
    portal.settled([int(page.url.rstrip("/").rsplit("/", 1)[1])])
    assert len(accepted_for(portal, server)) == 1


def test_an_uploaded_script_arrives_byte_for_byte(page: Page, portal: Stack, tmp_path: Path) -> None:
    script = b"#!/bin/sh\r\necho \xff\xfe\r\n"
    (tmp_path / "boot.sh").write_bytes(script)
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.get_by_text("Upload", exact=True).click()
    page.get_by_label("Script file").set_input_files(tmp_path / "boot.sh")
    expect(page.locator("#script-warnings")).to_contain_text("CR")
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    page.wait_for_url("**/jobs/*/")
    rows = wait_until(lambda: accepted_for(portal, server), "the call to arrive")
    assert base64.b64decode(rows[0]["body"]["os-reinstall"]["metadata"]["user_data"]) == script


def test_without_javascript_one_server_can_be_reinstalled(
    browser: Browser, portal: Stack, signed_in: Path
) -> None:
    plain = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = plain.new_page()
    (server,) = portal.free_servers(1)
    open_form(page, server)
    key = portal.ask("GET", "key-pairs/?project=shop-prod").json()["results"][0]
    page.get_by_label("Key pair", exact=True).select_option(key["name"])
    page.get_by_label("User ID the key pair belongs to").fill(key["userid"])
    page.get_by_label("Reason").fill("OPS-4417")
    page.locator("[name=user_data_source][value=write]").check(force=True)
    page.get_by_label("First-boot script").fill("#!/bin/sh\necho typed\n")
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    page.wait_for_url("**/jobs/*/")
    number = int(page.url.rstrip("/").rsplit("/", 1)[1])
    portal.settled([number])
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded")
    (row,) = accepted_for(portal, server)
    # Without script the browser sends CRLF; the server must find LF all the same.
    sent = base64.b64decode(row["body"]["os-reinstall"]["metadata"]["user_data"])
    assert sent == b"#!/bin/sh\necho typed\n"
    plain.close()


def test_a_cut_connection_is_shown_as_unknown_and_then_settled(page: Page, portal: Stack) -> None:
    portal.faults(
        {"match": {"method": "POST", "path": "*/reinstallos"}, "times": 1, "do": "drop_after_accept"}
    )
    (server,) = portal.free_servers(1)
    open_form(page, server)
    fill_in(page, server)
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    page.wait_for_url("**/jobs/*/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Outcome unknown", timeout=END_MS)
    expect(page.locator("main")).to_contain_text("does not send it again")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    assert len(accepted_for(portal, server)) == 1


def test_two_tabs_both_follow_the_job(context: BrowserContext, portal: Stack) -> None:
    (server,) = portal.free_servers(1)
    number = portal.order([server])["jobs"][0]["id"]
    tabs = [context.new_page(), context.new_page()]
    wrong = [watch(tab) for tab in tabs]
    for tab in tabs:
        tab.goto(f"/jobs/{number}/")
    for tab in tabs:
        expect(tab.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    assert wrong == [[], []]
