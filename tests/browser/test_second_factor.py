"""Second factors in a real browser: an app, a passkey, a proof in mid form, a session ended elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, watch
from tests.browser.looks import LAPTOP, MODES, opened, too_wide_px, violations
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack
from tests.reinstall.signing import code_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

#: Proofs of all sessions are from an hour ago.
GROW_OLD = """
from datetime import timedelta
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils.timezone import now
for key in Session.objects.values_list("session_key", flat=True):
    store = SessionStore(key)
    if "proof" in store:
        old = (now() - timedelta(hours=1)).isoformat()
        store["proof"] = store["proof"] | {"proved_at": old}
        store.save()
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal that wants a second factor even for its simulated cloud."""
    data_dir, policy = tmp_path_factory.mktemp("portal"), {"ECSPORTAL_SECOND_FACTOR": "always"}
    with running_stack("embedded", data_dir, policy, port=free_port(), servers=40) as running:
        running.add_person(f"User.objects.create_superuser('alice', password='{PASSWORD}')")
        yield running


@pytest.fixture
def person(portal: Stack, request: pytest.FixtureRequest) -> str:
    """A superuser of the test's own, so that no test sees another's factors."""
    name = f"p{abs(hash(request.node.name)) % 10**8}"
    portal.add_person(f"User.objects.create_superuser('{name}', password='{PASSWORD}')")
    return name


def first_step(page: Page, portal: Stack, name: str, then: str) -> None:
    page.goto(f"{address(portal)}/sign-in/?next={then}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sign in")


def address(portal: Stack) -> str:
    """Passkeys are for names: the same portal, called by one."""
    return portal.url.replace("127.0.0.1", "localhost")


def app_added(page: Page, portal: Stack) -> tuple[str, list[str]]:
    """The secret of an app that was set up by the page, and the recovery codes that were shown."""
    page.goto(f"{address(portal)}/settings/security/app/")
    secret = page.locator("#app-secret").inner_text().replace(" ", "")
    page.get_by_label("Code the app shows").fill(code_of(secret))
    page.get_by_role("button", name="Add app").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    return secret, page.locator("#recovery-codes").inner_text().split()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_an_app_is_set_up_and_asked_for_with_and_without_javascript(
    script: bool, browser: Browser, portal: Stack, person: str
) -> None:
    context = browser.new_context(java_script_enabled=script)
    page = context.new_page()
    wrong = watch(page)
    first_step(page, portal, person, "/settings/security/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")
    secret, codes = app_added(page, portal)
    assert len(codes) == 10
    context.clear_cookies()
    first_step(page, portal, person, "/jobs/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_contain_text("This code does not fit.")
    page.get_by_label("Code").fill(code_of(secret, later=1))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    assert wrong == []
    context.close()


def with_authenticator(context: BrowserContext, page: Page) -> None:
    """Gives the browser a device that keeps passkeys and knows its person."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": device})


def test_a_passkey_is_added_signs_in_and_proves_again(browser: Browser, portal: Stack, person: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    wrong = watch(page)
    with_authenticator(context, page)
    first_step(page, portal, person, "/settings/security/passkeys/new/")
    page.get_by_role("textbox", name="Name", exact=True).fill("laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("row", name=re.compile("laptop Passkey"))).to_be_visible()
    context.clear_cookies()
    first_step(page, portal, person, "/jobs/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    portal.manage("shell", "--no-imports", "-c", GROW_OLD)
    page.goto(f"{address(portal)}/settings/security/password/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change password")
    assert wrong == []
    context.close()


def test_a_proof_in_the_middle_of_a_form_keeps_what_was_typed_and_sends_nothing(
    browser: Browser, portal: Stack, person: str
) -> None:
    context = browser.new_context(viewport=LAPTOP)
    page = context.new_page()
    first_step(page, portal, person, "/jobs/")
    _, codes = app_added(page, portal)
    (server,) = portal.free_servers(1)
    before = len(portal.accepted())
    page.goto(f"{address(portal)}/servers/{server['id']}/reinstall/")
    page.get_by_label("Reason").fill("OPS-66 half way")
    page.locator("[name=confirm]").fill(server["name"])
    portal.manage("shell", "--no-imports", "-c", GROW_OLD)
    key = page.locator("[name=keyname]")
    if key.evaluate("field => field.tagName") == "SELECT":
        key.select_option(index=1)
    page.get_by_role("button", name=re.compile("^(Reinstall|Wipe)")).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    expect(page.get_by_text("Nothing was done yet.")).to_be_visible()
    page.get_by_label("Code").fill(codes[0])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_have_value("OPS-66 half way")
    expect(page.locator("#error-summary")).to_contain_text("Who you are was asked first.")
    expect(page.locator("[name=confirm]")).to_have_value("")
    assert len(portal.accepted()) == before
    page.goto(f"{address(portal)}/jobs/?tab=all&q={server['name']}")
    expect(page.get_by_text("No jobs match")).to_be_visible()
    context.close()


def test_a_session_is_ended_from_another_browser(browser: Browser, portal: Stack, person: str) -> None:
    here, there = browser.new_context(), browser.new_context(user_agent="Mozilla/5.0 (iPhone) Safari/604.1")
    phone, laptop = there.new_page(), here.new_page()
    first_step(phone, portal, person, "/jobs/")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Jobs")
    first_step(laptop, portal, person, "/settings/security/")
    laptop.get_by_role("button", name=re.compile("^Sign out Safari on iPhone")).click()
    expect(laptop.get_by_text("Safari on iPhone")).to_have_count(0)
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Sign in")
    laptop.reload()
    expect(laptop.get_by_role("heading", level=1)).to_have_text("Security")
    here.close()
    there.close()


@pytest.fixture(scope="module")
def cookies(browser: Browser, portal: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody with an app, just proved; cookies of localhost."""
    portal.add_person(f"User.objects.create_superuser('looks', password='{PASSWORD}')")
    kept = tmp_path_factory.mktemp("cookies") / "looks.json"
    context = browser.new_context()
    page = context.new_page()
    first_step(page, portal, "looks", "/jobs/")
    app_added(page, portal)
    context.storage_state(path=kept)
    context.close()
    return kept


@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_on_the_pages_of_signing_in(
    mode: str, browser: Browser, portal: Stack, cookies: Path, person: str
) -> None:
    context = opened(browser, portal, mode, cookies)
    page = context.new_page()
    for path in (
        "sign-in/again/?next=/jobs/",
        "settings/security/",
        "settings/security/app/",
        "settings/security/passkeys/new/",
        "settings/security/password/",
    ):
        page.goto(f"{address(portal)}/{path}")
        assert violations(page) == [], path
        assert too_wide_px(page) <= 0, path
    page.goto(f"{address(portal)}/settings/security/")
    page.get_by_role("button", name="Make new codes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    assert violations(page) == []
    context.clear_cookies()
    first_step(page, portal, "looks", "/jobs/")
    page.get_by_label("Code").fill("1")
    page.keyboard.press("Enter")
    expect(page.locator("#error-summary")).to_be_visible()
    assert violations(page) == []
    assert too_wide_px(page) <= 0
    context.clear_cookies()
    first_step(page, portal, person, "/settings/tokens/")
    page.locator("#id_name").fill("ci")
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A second factor is needed")
    assert violations(page) == []
    assert too_wide_px(page) <= 0
    context.close()
