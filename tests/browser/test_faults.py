"""Faults people meet in a real browser: an ended session, a cloud whose words attack, the kill switch."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from simulator.server import RunningSimulator, start_in_thread
from simulator.world import World
from tests.browser.conftest import PASSWORD
from tests.browser.test_reinstall import fill_in, open_form, wipe_button
from tests.browser.test_settle import age
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

#: What a name, a tag or a reason may be when somebody at the cloud means harm.
HOSTILE = (
    "<svg onload=alert(1)>",
    '"><img src=x onerror=alert(2)>',
    "</script><script>alert(3)</script>",
    "javascript:alert(4)",
    "=cmd()|'/C calc'!A0",
    "two\r\nFORGED lines",
    "\x1b[31mred\x1b[0m",
    "exe\u202egpj.sh",
    "' onmouseover='alert(5)",
    "{{ 7|add:7 }}{% now 'Y' %}",
)
REINSTALL = {"method": "POST", "path": "*/reinstallos"}

#: Every script that runs leaves a mark; nothing but our escaping keeps it from running (the policy is off).
WATCH = "window.ran = []; window.alert = (word) => window.ran.push(String(word));"
FOUND = """() => [...window.ran, ...[...document.querySelectorAll(
  'body *')].filter((e) => [...e.attributes].some((a) => a.name.startsWith('on')
    || (/^(href|src|action|formaction)$/.test(a.name) && /^\\s*javascript:/i.test(a.value)))
  ).map((e) => e.outerHTML.slice(0, 120))]"""


def spoil(world: World) -> None:
    """All that the cloud has names for is called something hostile."""
    servers = [server for server in world.servers.values() if server.name.startswith(("app-", "db-"))]
    for number, text in enumerate(HOSTILE):
        servers[number].name = servers[number].image_name = servers[number].description = text
        servers[number].tags = [text, f"owner={text}"]
        if "/" not in text:
            # Its name is a part of an address; what a slash there means no document says. Last in the list.
            world.key_pairs.append(replace(world.key_pairs[0], name=f"~{text}"))
    for image, text in zip(world.images.values(), HOSTILE, strict=False):
        image.name = image.platform = text
    for key, text in zip(world.kms_keys.values(), HOSTILE, strict=False):
        key.alias = f"={text}"


@pytest.fixture(scope="module")
def cloud() -> Iterator[RunningSimulator]:
    running = start_in_thread(seed=5, speed=30.0, scenario={"servers": {"shop-prod": 80}})
    with running.lock:
        spoil(running.world)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def portal(cloud: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """As in the other browser tests, with a hostile cloud behind it."""
    data_dir = tmp_path_factory.mktemp("hostile")
    with running_stack("embedded", data_dir, {}, port=free_port(), simulator_url=cloud.base_url) as running:
        running.add_person(f"User.objects.create_superuser('alice', password='{PASSWORD}')")
        yield running


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


def test_f66_a_session_that_ends_in_mid_form_loses_nothing_and_sends_nothing(
    page: Page, portal: Stack
) -> None:
    (server,) = portal.free_servers(1)
    before = len(portal.accepted())
    open_form(page, server)
    fill_in(page, server)
    page.get_by_text("Write", exact=True).click()
    page.get_by_label("First-boot script").fill("#!/bin/sh\necho typed for an hour\n")
    page.locator("[name=confirm]").fill(server["name"])
    page.context.clear_cookies(name="ecsportal-session")
    wipe_button(page, server).click()
    expect(page.locator("main")).to_contain_text("Nothing you typed is lost, and nothing was sent.")
    page.get_by_label("User").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_contain_text("You were signed out before this form was sent.")
    expect(page.get_by_label("First-boot script")).to_have_value("#!/bin/sh\necho typed for an hour\n")
    expect(page.get_by_label("Reason")).to_have_value("OPS-4417")
    assert portal.ask("GET", f"jobs/?server={server['id']}").json()["results"] == []
    page.locator("[name=confirm]").fill(server["name"])
    wipe_button(page, server).click()
    page.wait_for_url("**/jobs/*/")
    portal.settled([int(page.url.rstrip("/").rsplit("/", 1)[1])])
    assert len(portal.accepted()) == before + 1


@pytest.fixture(scope="module")
def spoiled(portal: Stack) -> dict[str, str]:
    """Pages about hostile things: a failed, a refused and an unclear job, a freeze with a hostile reason."""
    rows = portal.ask("GET", "servers/?limit=200&project=shop-prod").json()["results"]
    evil = [row for row in rows if not row["name"].startswith(("web-", "app-", "db-")) and not row["why_not"]]
    evil = [row for row in evil if any(mark in row["name"] for mark in ("alert", "cmd()", "FORGED", "red"))]
    evil.sort(key=lambda row: not row["name"].startswith("="))
    failed, refused, unclear = evil[:3]
    every = "".join(HOSTILE)
    portal.faults({"match": REINSTALL, "times": 1, "do": "fail_job", "code": HOSTILE[0], "reason": every})
    numbers = [_settled(portal, failed, "failed")]
    answer = {"error": {"code": "Ecs.0314", "message": every}}
    portal.faults({"match": REINSTALL, "times": 1, "do": "answer", "status": 400, "json": answer})
    numbers.append(_settled(portal, refused, "rejected"))
    answer = {"error": {"code": "Ecs.0000\r\nFORGED", "message": every}}
    portal.faults({"match": REINSTALL, "times": 1, "do": "answer", "status": 500, "json": answer})
    # What the audit service refuses with is written to the log.
    answer = {"error": {"code": "CTS.0001", "message": f"two\r\nFORGED {every}"}}
    match = {"method": "GET", "path": "*/traces*"}
    portal.faults({"match": match, "times": 9, "do": "answer", "status": 400, "json": answer})
    number = portal.order([unclear])["jobs"][0]["id"]
    wait_until(lambda: portal.job(number)["state"] == "uncertain", "the call to go wrong")
    age(portal, number)
    portal.settled([number])
    frozen = portal.ask("POST", "system/freeze/", json={"on": True, "reason": every[:400]})
    assert frozen.status_code == 200
    pages = {f"job {state}": f"/jobs/{n}/" for state, n in zip("fru", [*numbers, number], strict=True)}
    admin = {name: f"/admin/reinstall/{name}/" for name in ("server", "job", "attempt", "auditevent")}
    return {
        "servers": "/servers/",
        "server": f"/servers/{failed['id']}/",
        "form": f"/servers/{evil[3]['id']}/reinstall/",
        "jobs": "/jobs/?tab=all",
        **pages,
        "key pairs": "/key-pairs/",
        "audit": "/audit/",
        "health": "/manage/health/",
        **admin,
        "one in admin": f"/admin/reinstall/job/{number}/change/",
    }


def _settled(portal: Stack, server: dict[str, Any], state: str) -> int:
    (job,) = portal.settled([portal.order([server])["jobs"][0]["id"]])
    assert job["state"] == state
    return int(job["id"])


def test_f78_no_word_of_the_cloud_runs_as_a_script_on_any_page(
    browser: Browser, portal: Stack, signed_in: Path, spoiled: dict[str, str]
) -> None:
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, bypass_csp=True)
    context.add_init_script(WATCH)
    page = context.new_page()
    ran, shown = {}, {}
    for name, address in spoiled.items():
        answer = page.goto(address)
        assert answer is not None and answer.ok, name
        ran[name] = page.evaluate(FOUND)
        text = page.content()
        ran[name] += [f"U+{ord(c):04X}" for c in "\u202e\x1b" if c in text]
        shown[name] = any(word in page.locator("body").inner_text() for word in ("alert(", "cmd()", "FORGED"))
    context.close()
    assert {name: found for name, found in ran.items() if found} == {}
    assert [name for name, seen in shown.items() if not seen] == [], "nothing hostile stood on these pages"


def test_f78_the_strict_policy_has_nothing_to_refuse(page: Page, spoiled: dict[str, str]) -> None:
    for name in ("servers", "form", "job f", "job u", "audit"):
        page.goto(spoiled[name])
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto(spoiled["form"])
    fill_in(page, {})
    expect(page.locator("#preview")).to_contain_text("reinstallos")


@pytest.mark.parametrize("name", ["servers", "jobs", "key-pairs", "kms-keys", "audit"])
def test_f78_no_cell_of_a_csv_file_is_a_formula(name: str, portal: Stack, spoiled: dict[str, str]) -> None:
    text = portal.ask("GET", f"{name}/?format=csv").content.decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    wrong = [cell for row in rows for cell in row if re.match(r"[=+\-@\t\r]", cell)]
    assert wrong == []
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_f78_each_event_stays_on_its_line_of_the_log(portal: Stack, spoiled: dict[str, str]) -> None:
    lines = [line for process in portal.processes for line in process.lines]
    told = [line for line in lines if "FORGED" in line]
    assert told, "nothing hostile was logged"
    assert [line for line in told if not re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[\w+ *\] ", line)] == []
    assert [line for line in lines if "\x1b" in line or "\u202e" in line] == []
