"""Pictures of every page of a running portal, in light and dark, wide and at 390 px, into var/screenshots.

    make demo           # in another terminal
    make screenshots    # signs in as the account demo made; PORTAL_USER, PORTAL_PASSWORD name another

The first server and the newest job of the lists give the addresses of the pages about one of them. Ends with
1 when a page did not answer 200 or wrote an error to the browser's console.
"""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

WIDE, NARROW = (1280, 900), (390, 844)
LISTS = (
    "/servers/",
    "/jobs/",
    "/key-pairs/",
    "/clouds/",
    "/clouds/new/",
    "/audit/",
    "/settings/tokens/",
    "/api/docs/",
    "/api/docs/orders/",
    "/manage/health/",
    "/admin/",
)
VAR = Path(__file__).resolve().parent.parent / "var"
OUT = VAR / "screenshots"


def main() -> int:
    """Takes the pictures; 0 when every page was in order."""
    options = read_options()
    OUT.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, context in contexts(browser, options.url):
            page = context.new_page()
            page.on("console", lambda message: note(complaints, message.type, message.text))
            complaints.extend(take_all(page, name, options))
            context.close()
        browser.close()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of every page of a running portal.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the portal answers")
    parser.add_argument("--user", default=os.environ.get("PORTAL_USER", "demo"))
    parser.add_argument("--password", default=os.environ.get("PORTAL_PASSWORD") or demo_password())
    options = parser.parse_args()
    if not options.password:
        parser.error("give the account's password as PORTAL_PASSWORD or --password; `make demo` makes one")
    return options


def demo_password() -> str:
    """What `make demo` wrote beside its database, "" when there is none."""
    kept = VAR / "demo-password"
    return kept.read_text(encoding="utf-8").strip() if kept.is_file() else ""


def contexts(browser: Browser, url: str) -> Iterator[tuple[str, BrowserContext]]:
    """A fresh browser for each scheme and width, named after them."""
    for scheme in ("light", "dark"):
        for width, height in (WIDE, NARROW):
            yield (
                f"{scheme}-{width}",
                browser.new_context(
                    base_url=url,
                    color_scheme="dark" if scheme == "dark" else "light",
                    viewport={"width": width, "height": height},
                ),
            )


def note(complaints: list[str], kind: str, text: str) -> None:
    if kind == "error":
        complaints.append(f"console: {text}")


def take_all(page: Page, name: str, options: argparse.Namespace) -> list[str]:
    """Signs in and takes each page; what was wrong with them."""
    page.goto("/sign-in/")
    page.screenshot(path=OUT / f"sign-in-{name}.png", full_page=True)
    page.fill("#id_username", options.user)
    page.fill("#id_password", options.password)
    page.locator("#id_password").press("Enter")
    page.wait_for_url(lambda address: "/sign-in/" not in address)
    complaints = []
    for path in [*LISTS, *found(page)]:
        answer = page.goto(path)
        page.wait_for_timeout(300)  # fonts and the first live update
        page.screenshot(path=OUT / f"{label(path)}-{name}.png", full_page=True)
        if answer is None or answer.status != 200:
            complaints.append(f"{path}: {answer.status if answer else 'no answer'}")
    return complaints


def found(page: Page) -> list[str]:
    """The pages about one server and one job, from the first links of the lists."""
    page.goto("/servers/")
    servers = re.findall(r'href="(/servers/[0-9a-f-]{36}/)"', page.content())[:1]
    page.goto("/jobs/")
    jobs = re.findall(r'href="(/jobs/\d+/)"', page.content())[:1]
    return [*servers, *(f"{server}reinstall/" for server in servers), *jobs]


def label(path: str) -> str:
    """A file name for a page: numbers and identifiers would differ from run to run."""
    parts = [part for part in path.strip("/").split("/") if part]
    return "-".join("one" if re.fullmatch(r"[0-9a-f-]{36}|\d+", part) else part for part in parts)


if __name__ == "__main__":
    sys.exit(main())
