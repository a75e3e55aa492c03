"""From an empty portal to the servers of a cloud, by hand: added, tested, synced. Its pages for everybody."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, watch
from tests.browser.looks import MODES, opened, too_wide_px, violations
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal as it is after its first start: an administrator, no project."""
    data_dir = tmp_path_factory.mktemp("empty")
    with running_stack("embedded", data_dir, {}, port=free_port(), servers=40, filled=False) as running:
        running.add_person(f"User.objects.create_superuser('alice', password='{PASSWORD}')")
        yield running


@pytest.fixture(scope="module")
def document(portal: Stack) -> dict[str, Any]:
    """What the simulated cloud says one should type."""
    found = requests.get(f"{portal.simulator_url}/_sim/cloud.json?project=shop-prod", timeout=10).json()
    assert isinstance(found, dict)
    return found


@pytest.fixture
def shop(portal: Stack, document: dict[str, Any]) -> None:
    """The project of the first test, also where a later test runs alone."""
    count = "from reinstall.models import Project; print(Project.objects.count())"
    if portal.manage("shell", "--no-imports", "-c", count) == "0":
        portal.manage("cloud", "add", "-", stdin=json.dumps(document))


def fill_in(page: Page, document: dict[str, Any], **changes: str) -> None:
    """Types a document into the form."""
    said = document | changes
    page.get_by_label("Cloud", exact=True).select_option(said["profile"])
    page.get_by_label("Region", exact=True).fill(said["region"])
    page.get_by_label("Project ID", exact=True).fill(said["project_id"])
    page.get_by_label("Name", exact=True).fill(said["name"])
    page.get_by_role("radio", name=re.compile("^Simulator")).check()
    for name, url in said["endpoints"].items():
        page.get_by_label(name.upper(), exact=True).fill(url)
    secrets = said["credentials"]
    page.get_by_label("Access key (AK)").fill(secrets["access_key"])
    page.get_by_label("Secret key (SK)").fill(secrets["secret_key"])


def test_from_an_empty_portal_to_the_servers_of_a_cloud(page: Page, document: dict[str, Any]) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Connect a cloud")).to_be_visible()
    page.get_by_role("link", name="Connect a cloud").last.click()

    # A mistake first: what was typed stays, the secret does not.
    fill_in(page, document, project_id="not an id")
    page.get_by_role("button", name="Add project").click()
    expect(page.locator("#error-summary")).to_contain_text("32 characters")
    expect(page.get_by_label("Name", exact=True)).to_have_value("shop-prod")
    expect(page.get_by_label("Secret key (SK)")).to_have_value("")
    fill_in(page, document)
    page.get_by_role("button", name="Add project").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop-prod")

    page.get_by_role("link", name="Test connection").click()
    expect(page.locator("#step-servers")).to_contain_text("not yet")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test-result")).to_have_text("The connection works. To know: TLS.")
    expect(page.locator("#step-tls")).to_contain_text("Not encrypted, simulator only")
    expect(page.locator("#step-servers")).to_contain_text("servers listed.")
    expect(page.locator("#step-traces")).to_contain_text("passed")
    expect(page.locator("#announcer")).to_have_text("The connection works. To know: TLS.")
    expect(page.get_by_role("button", name="Test connection")).to_be_enabled()
    assert page.url.endswith("/clouds/shop-prod/test/")

    page.get_by_role("button", name="Sync now").first.click()
    expect(page).to_have_url(re.compile(r"/servers/\?project=shop-prod$"))
    # Without a reload the page tells that the reading has ended, and what it found: all, or nothing new
    # where the portal was faster to read a new project by itself.
    told = re.compile(r"servers read: (\+|nothing has changed)")
    expect(page.locator("#sync b")).to_contain_text(told, timeout=30_000)
    page.get_by_role("link", name="Show the list anew").click()
    expect(page.locator("tbody tr").first).to_contain_text("-prod-")


@pytest.mark.usefixtures("shop")
def test_steps_are_shown_while_others_still_run(page: Page, portal: Stack) -> None:
    slow = {"match": {"method": "GET", "path": "*/cloudimages"}, "times": 1, "do": "delay", "seconds": 3}
    portal.faults(slow)
    page.goto("/clouds/shop-prod/test/")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#step-kms_keys")).to_contain_text("passed")
    expect(page.locator("#step-images")).to_contain_text("going on")
    expect(page.locator("#step-traces")).to_contain_text("not yet")
    expect(page.locator("#test-result")).to_contain_text("To know", timeout=30_000)


@pytest.mark.usefixtures("shop")
def test_without_javascript_the_same_steps_come_as_a_page(
    browser: Browser, portal: Stack, signed_in: Path
) -> None:
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, java_script_enabled=False)
    page = context.new_page()
    page.goto("/clouds/shop-prod/test/")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test-result")).to_have_text("The connection works. To know: TLS.")
    page.goto("/clouds/new/")
    expect(page.get_by_label("Access key (AK)")).to_be_visible()
    page.get_by_text("User and password").click()
    expect(page.get_by_label("Access key (AK)")).to_be_hidden()
    expect(page.get_by_label("User name")).to_be_visible()
    context.close()


@pytest.mark.usefixtures("shop")
def test_a_page_that_went_stale_shows_the_difference(context: BrowserContext) -> None:
    # Without the watch: a 409 is an error to the browser, and meant here.
    page = context.new_page()
    page.goto("/clouds/shop-prod/")
    other = page.context.new_page()
    other.goto("/clouds/shop-prod/")
    other.get_by_label("Name", exact=True).fill("Shop")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("heading", level=1)).to_contain_text("Shop")
    page.get_by_label("Name", exact=True).fill("Laden")
    with page.expect_response(lambda answer: answer.status == 409):
        page.evaluate("() => document.getElementById('change-form').submit()")
    expect(page.get_by_role("alert").first).to_contain_text("now Shop, you typed Laden")
    page.get_by_label("Name", exact=True).fill("shop-prod")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("shop-prod")


def _wrong_credentials(page: Page) -> None:
    page.get_by_label("Access key (AK)").fill("AKNOBODY")
    page.get_by_label("Secret key (SK)").fill("wrong")
    page.get_by_role("button", name="Test and set").click()
    expect(page.locator("#error-summary")).to_contain_text("The old credentials stay")


def _errors(page: Page) -> None:
    page.get_by_role("button", name="Add project").click()
    expect(page.locator("#error-summary")).to_be_visible()


def _tested(page: Page) -> None:
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test-result")).not_to_be_empty()


PAGES: dict[str, tuple[str, Any]] = {
    "clouds": ("/clouds/", None),
    "new": ("/clouds/new/", None),
    "new-errors": ("/clouds/new/", _errors),
    "detail": ("/clouds/shop-prod/", None),
    "credentials": ("/clouds/shop-prod/", _wrong_credentials),
    "test": ("/clouds/shop-prod/test/", None),
    "tested": ("/clouds/shop-prod/test/", _tested),
}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    mode: str, browser: Browser, portal: Stack, signed_in: Path
) -> None:
    found: dict[str, list[str]] = {}
    for name, (address, act) in PAGES.items():
        context = opened(browser, portal, mode, signed_in)
        page = context.new_page()
        wrong = watch(page)
        page.goto(address)
        if act:
            act(page)
        found[name] = violations(page)
        found[name] += wrong
        over = too_wide_px(page)
        found[name] += [f"{over} px too wide"] if over > 0 else []
        context.close()
    assert {name: rows for name, rows in found.items() if rows} == {}
