"""The whole way in a demo that begins empty: a cloud connected by hand, a server reinstalled, the proof."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watch
from tests.browser.looks import LAPTOP
from tests.browser.test_clouds import fill_in
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_demo, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

END_MS = 60_000
#: Servers of the demo whose system disk is encrypted.
FIRST, SECOND = "app-prod-02", "web-prod-05"
KEY_PAIR = "KeyPair-350b"
LOST = "Left out, the new one may come back in clear text. Choose to encrypt it, or choose not to."
KEPT = "The new system disk will be encrypted., passed"


@dataclass
class Demo:
    """A running demo, and the account its greeting names."""

    stack: Stack
    password: str

    def disks(self, name: str) -> list[dict[str, Any]]:
        """The disks the cloud has for a server now, the system disk first."""
        world = requests.get(f"{self.stack.simulator_url}/_sim/world", timeout=10).json()
        (server,) = (one for one in world["servers"] if one["name"] == name)
        disks: list[dict[str, Any]] = server["volumes"]
        return disks

    def last_body(self) -> dict[str, Any]:
        """What the newest reinstall asked the cloud for."""
        body: dict[str, Any] = self.stack.accepted()[-1]["body"]["os-reinstall"]
        return body


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo"), port=free_port()) as (stack, password):
        yield Demo(stack, password)


@pytest.fixture(scope="module")
def document(demo: Demo) -> dict[str, Any]:
    """What the greeting says one should type."""
    address = f"{demo.stack.simulator_url}/_sim/cloud.json?project=shop-prod"
    found: dict[str, Any] = requests.get(address, timeout=10).json()
    return found


@pytest.fixture(scope="module")
def shop(demo: Demo, document: dict[str, Any]) -> None:
    """The project the first test connects, also where a later test runs alone."""
    count = "from reinstall.models import Server; print(Server.objects.count())"
    if demo.stack.manage("shell", "--no-imports", "-c", count) == "0":
        demo.stack.manage("cloud", "add", "-", stdin=json.dumps(document))
        demo.stack.manage("sync", "shop-prod")


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """Somebody who has just read the greeting; an error in the console fails the test."""
    context = browser.new_context(base_url=demo.stack.url, viewport=LAPTOP)
    opened = context.new_page()
    wrong = watch(opened)
    yield opened
    context.close()
    assert wrong == []


def sign_in(page: Page, demo: Demo) -> None:
    """The only page whose address is typed."""
    page.goto("/")
    page.get_by_label("User").fill("demo")
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in").click()


def connect(page: Page, document: dict[str, Any]) -> None:
    """From an empty portal to the list of servers."""
    expect(page.get_by_role("heading", name="Connect a cloud")).to_be_visible()
    page.get_by_role("link", name="Connect a cloud").last.click()
    fill_in(page, document)
    page.get_by_role("button", name="Add project").click()
    page.get_by_role("link", name="Test connection").click()
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test-result")).to_have_text("The connection works. To know: TLS.")
    page.get_by_role("button", name="Sync now").first.click()
    expect(page.locator("#sync b")).to_contain_text("servers read: +", timeout=30_000)
    page.get_by_role("link", name="Show the list anew").click()


def proven(page: Page, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """The job's page tells what the cloud has: a new system disk with the old key, the same data disks."""
    old, new = before[0], after[0]
    assert new["id"] not in {disk["id"] for disk in before} and new["cmk_id"] == old["cmk_id"]
    assert [disk["id"] for disk in after[1:]] == [disk["id"] for disk in before[1:]]
    rows = page.locator("#job-after tbody tr")
    expect(rows.filter(has_text="System disk")).to_contain_text(old["id"])
    expect(rows.filter(has_text="System disk")).to_contain_text(new["id"])
    for disk in before[1:]:
        expect(rows.filter(has_text=disk["id"])).to_contain_text("the same")
    expect(page.locator("#job-outcome")).to_contain_text("has a new system disk.")
    count = len(before) - 1
    same = "Its data disk is the same" if count == 1 else f"All {count} data disks are the same"
    expect(page.locator("#job-outcome")).to_contain_text(f"The system disk is a new one. {same} as before.")


def test_from_an_empty_portal_to_the_proof_by_clicking_alone(
    page: Page, demo: Demo, document: dict[str, Any]
) -> None:
    sign_in(page, demo)
    connect(page, document)
    page.get_by_label("Search servers").fill(FIRST)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=FIRST, exact=True).click()

    before = demo.disks(FIRST)
    disks = page.locator("#disks")
    expect(disks.locator(".disk")).to_have_count(len(before))
    for words in ("System disk “app-prod-02", "encrypted", "key “disk-key-1”, all partitions", "Wiped"):
        expect(disks.locator(".disk").first).to_contain_text(words)
    expect(disks.get_by_text("Stays", exact=True)).to_have_count(len(before) - 1)
    page.get_by_role("link", name="Reinstall", exact=True).click()
    page.get_by_label("Key pair", exact=True).select_option(KEY_PAIR)
    checks = page.locator("#checks")
    expect(checks).to_contain_text(
        f"The system disk is encrypted now with KMS key {before[0]['cmk_id']}. {LOST}, must be fixed"
    )

    page.get_by_role("button", name=f"Wipe and reinstall {FIRST}").click()
    expect(page.locator("#error-summary")).to_contain_text("may come back in clear text")
    assert demo.stack.accepted() == []
    page.get_by_role("radio", name=re.compile("^Encrypt with a KMS key")).check()
    page.get_by_label("KMS key", exact=True).select_option(before[0]["cmk_id"])
    expect(checks).to_contain_text(KEPT)
    expect(checks).not_to_contain_text("must be fixed")
    page.get_by_label("Reason").fill("OPS-4417")
    page.locator("[name=confirm]").fill(FIRST)
    page.get_by_role("button", name=f"Wipe and reinstall {FIRST}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    proven(page, before, demo.disks(FIRST))
    assert demo.last_body()["metadata"] == {
        "__system__encrypted": "1",
        "__system__cmkid": before[0]["cmk_id"],
    }


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until what `selector` names has the focus; it must be in sight then."""
    page.locator(selector).first.wait_for()
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            expect(page.locator("*:focus")).to_be_in_viewport()
            return
    raise AssertionError(f"Tab does not lead to {selector}")


@pytest.mark.usefixtures("shop")
def test_a_server_is_reinstalled_with_the_keyboard_alone(page: Page, demo: Demo) -> None:
    page.goto("/")
    tab_to(page, "[name=username]")
    page.keyboard.type("demo")
    tab_to(page, "[name=password]")
    page.keyboard.type(demo.password)
    page.keyboard.press("Enter")
    tab_to(page, "main [name=q]")
    page.keyboard.type(SECOND)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    before = demo.disks(SECOND)
    tab_to(page, "tbody a[href^='/servers/']")
    page.keyboard.press("Enter")
    tab_to(page, "a[href$='/reinstall/']")
    page.keyboard.press("Enter")

    tab_to(page, "[name=keyname]")
    page.keyboard.type(KEY_PAIR[:6])
    expect(page.get_by_label("User ID the key pair belongs to")).to_have_value(re.compile("^[0-9a-f]{32}$"))
    expect(page.locator("#checks")).to_contain_text(f"{LOST}, must be fixed")
    tab_to(page, "[name=encrypted]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name=cmkid]")
    page.keyboard.type("disk-key-1")
    expect(page.locator("#checks")).to_contain_text(KEPT)
    tab_to(page, "[name=reason]")
    page.keyboard.type("OPS-4417")
    tab_to(page, "[name=confirm]")
    page.keyboard.type(SECOND)
    tab_to(page, "button[value=place]")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    proven(page, before, demo.disks(SECOND))


@pytest.mark.usefixtures("shop")
def test_without_javascript_the_warning_is_read_put_right_and_the_proof_seen(
    browser: Browser, demo: Demo
) -> None:
    context = browser.new_context(base_url=demo.stack.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, demo)
    page.get_by_label("Search servers").fill(FIRST)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=FIRST, exact=True).click()
    before = demo.disks(FIRST)
    page.get_by_role("link", name="Reinstall", exact=True).click()
    page.get_by_label("Key pair", exact=True).select_option(KEY_PAIR)
    page.get_by_label("User ID the key pair belongs to").fill(_owner_of(page))
    page.get_by_role("button", name="Check and preview again").click()
    expect(page.locator("#checks")).to_contain_text(f"{LOST}, must be fixed")
    page.get_by_role("radio", name=re.compile("^Encrypt with a KMS key")).check()
    page.get_by_label("KMS key", exact=True).select_option(before[0]["cmk_id"])
    page.get_by_role("button", name="Check and preview again").click()
    expect(page.locator("#checks")).to_contain_text(KEPT)
    expect(page.locator("#preview")).to_contain_text("__system__encrypted")
    page.get_by_label("Reason").fill("OPS-4417")
    page.locator("[name=confirm]").fill(FIRST)
    page.get_by_role("button", name=f"Wipe and reinstall {FIRST}").click()
    page.wait_for_url("**/jobs/*/")
    wait_until(lambda: "Succeeded" in looked_again(page), "the job to succeed")
    proven(page, before, demo.disks(FIRST))
    context.close()


def looked_again(page: Page) -> str:
    """The heading of a job's page after following its link, as one does without script until it has ended."""
    link = page.get_by_role("link", name="Reload to see where it stands.")
    if link.count():
        link.click()
    return page.get_by_role("heading", level=1).inner_text()


def _owner_of(page: Page) -> str:
    """The user the list of key pairs names for the one chosen."""
    chosen = page.locator(f"select[name=keyname] option[value='{KEY_PAIR}']")
    return chosen.get_attribute("data-userid") or ""
