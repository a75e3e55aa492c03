"""The content security policy in a real browser: what is injected does not run, what is ours does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import watch
from tests.concurrency.stack import Stack
from tests.reinstall.edge.routes import Route, routes

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

#: Listens from before the first byte of the page; survives nothing, so it is read on each page.
LISTEN = """
  window.stopped = []; window.ran = [];
  document.addEventListener("securitypolicyviolation", (e) =>
    window.stopped.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
"""
#: Put into a page as markup, as an escaping that was forgotten would have it.
INJECTED = {
    "a script in the page": "<script>window.ran.push(1)</script>",
    "a script of this host": '<script src="/static/js/app.js?injected" onload="window.ran.push(1)"></script>',
    "a script with a made-up nonce": '<script nonce="AAAA">window.ran.push(1)</script>',
    "a picture that fails": '<img src="/none" onerror="window.ran.push(1)">',
    "a drawing that loads": '<svg onload="window.ran.push(1)"></svg>',
    "a frame of text": '<iframe srcdoc="<script>parent.ran.push(1)</script>"></iframe>',
    "an object": '<object data="data:text/html,<script>parent.ran.push(1)</script>"></object>',
    "another base": '<base href="https://evil.example/"><script src="x.js"></script>',
    "a style": "<style>body{display:none}</style>",
    "a picture elsewhere": '<img src="https://evil.example/x.png">',
}


@pytest.fixture(scope="module")
def ids(portal: Stack) -> dict[str, object]:
    """Values for the parameters of addresses: things that are there."""
    server = portal.ask("GET", "servers/?limit=1").json()["results"][0]["id"]
    job = portal.order(portal.free_servers(1))["jobs"][0]["id"]
    spec = {"keyname": "", "userid": "", "mode": "withStopServer", "user_data": "#!/bin/sh\n"}
    preset = portal.ask("POST", "presets/", json={"project": "shop-prod", "name": "walked", "spec": spec})
    portal.settled([job])
    return {
        "server_id": server,
        "job_id": job,
        "slug": "shop-prod",
        "preset": preset.json()["slug"],
        "number": 1,
        "object_id": 1,
        "id": 1,
        "content_type_id": 1,
        "app_label": "auth",
        **dict.fromkeys(("view_id", "token_id", "cloud_id", "order_id", "entry_id"), 1),
        **dict.fromkeys(("approval_id", "factor_id", "session_id"), 1),
    }


@pytest.fixture
def walker(context: BrowserContext) -> Iterator[Page]:
    context.add_init_script(LISTEN)
    yield context.new_page()


def address(route: Route, ids: dict[str, object]) -> str:
    is_preset = "preset" in route.name and route.parameters and route.name != "preset-check"
    values = ids | ({"slug": ids["preset"]} if is_preset else {})
    if route.is_admin and route.path.count("<path:object_id>"):
        values |= {"object_id": {"server": ids["server_id"]}.get(route.path.split("/")[3], 1)}
    return route.address(values)


def walked(page: Page, paths: list[str]) -> tuple[int, list[str]]:
    """How many pages of HTML were opened, and what the policy stopped or the console complained about."""
    wrong, opened = [], 0
    for path in paths:
        heard: list[str] = watch(page)
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        opened += 1
        page.wait_for_timeout(30)
        stopped = page.evaluate("window.stopped")
        # The browser itself says in the console that the answer was 404 or 405.
        heard = [line for line in heard if not re.search(r"status of 4\d\d", line)]
        wrong += [f"{path}: {line}" for line in {*stopped, *heard}]
    return opened, wrong


def pages() -> list[Route]:
    """Each route that shows something to a browser."""
    return [route for route in routes() if not route.is_rest and not route.path.endswith("/events")]


def test_no_page_trips_over_the_policy(walker: Page, ids: dict[str, object]) -> None:
    paths = [address(route, ids) for route in pages() if not route.is_admin]
    more = [
        "/servers/?q=web",
        "/servers/?project=shop-prod",
        "/jobs/?tab=all",
        "/presets/new/?project=shop-prod",
    ]
    form = [path for path in paths if path.endswith("/reinstall/")]
    shown = [path for path in paths if not path.endswith((".csv", ".json"))]
    opened, wrong = walked(walker, shown + more + form)
    assert wrong == []
    assert opened > 35


def test_no_page_of_the_admin_trips_over_its_policy(walker: Page, ids: dict[str, object]) -> None:
    paths = [address(route, ids) for route in pages() if route.is_admin and "logout" not in route.path]
    opened, wrong = walked(walker, paths)
    assert wrong == []
    assert opened > 50


@pytest.mark.parametrize("what", INJECTED)
def test_what_is_injected_does_not_run(walker: Page, portal: Stack, what: str) -> None:
    """On its way to the browser a page gets markup of an attacker's; everything else of it is as it was."""

    def spoiled(route: Any) -> None:
        answer = route.fetch()
        body = answer.text().replace("<h1", f"{INJECTED[what]}<h1", 1)
        assert INJECTED[what] in body
        route.fulfill(response=answer, body=body)

    walker.route("**/servers/", spoiled)
    walker.goto("/servers/", wait_until="load")
    walker.wait_for_timeout(300)
    assert walker.evaluate("window.ran") == []
    # Text in a frame is stopped in there, and reported there.
    assert walker.evaluate("window.stopped") != [] or what == "a frame of text"
    assert walker.evaluate("document.baseURI") == f"{portal.url}/servers/"
    assert walker.evaluate("getComputedStyle(document.body).display") != "none"


def test_text_becomes_markup_in_one_place_only(walker: Page) -> None:
    """A script of ours that would build markup from text by itself is stopped: Trusted Types."""
    walker.goto("/servers/")
    for code in (
        "document.querySelector('h1').innerHTML = '<b>x</b>'",
        "document.write('<b>x</b>')",
        "document.createElement('script').text = 'window.ran.push(1)'",
        "document.querySelector('h1').insertAdjacentHTML('afterend', '<b>x</b>')",
        "window.trustedTypes.createPolicy('another', {createHTML: (s) => s})",
    ):
        refused = walker.evaluate(
            f"() => {{ try {{ {code}; return ''; }} catch (e) {{ return String(e); }} }}"
        )
        assert "TypeError" in refused, code
    assert walker.evaluate("window.ran") == []


def test_without_the_policy_it_would_run(browser: Browser, portal: Stack, signed_in: Path) -> None:
    """That the tests above can fail."""
    context = browser.new_context(base_url=portal.url, storage_state=signed_in, bypass_csp=True)
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.goto("/servers/")
    page.evaluate("document.querySelector('h1').innerHTML = '<img src=/none onerror=window.ran.push(1)>'")
    page.wait_for_function("window.ran.length > 0")
    context.close()
