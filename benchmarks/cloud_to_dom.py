"""From the moment the poller saw a change at the cloud to the open job page showing it, in real Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from playwright.sync_api import Page, TimeoutError, sync_playwright

from benchmarks.figures import Figure, NotMeasured, median_of
from benchmarks.portal import USER, Portal, portal
from benchmarks.processes import Failed
from reinstall.domain.looks import LOOKS

GOAL_MS = 300.0
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
#: The moves that follow from what the cloud said to the poller; earlier ones come before the page is open.
POLLED = ("verifying", "succeeded")
STATE_OF_WORD = {look.word: state for state, look in LOOKS["job"].items()}
#: Notes the word of the job's pill and the wall clock at each change of the page.
OBSERVER = """
window.seen = [];
const look = () => {
  const word = document.querySelector("#job-head .pill")?.textContent.trim();
  const now = performance.timeOrigin + performance.now();
  if (word && window.seen.at(-1)?.[1] !== word) window.seen.push([now, word]);
};
new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
"""


@dataclass(frozen=True, slots=True)
class Move:
    """One committed move of a job: its place among the job's moves, and when the engine saw why (ms)."""

    seq: int
    state: str
    at_ms: float


def measure(quick: bool) -> list[Figure]:
    """Job by job, the page opened as soon as the form has answered."""
    count = 4 if quick else 12
    delays: list[float] = []
    opened: list[float] = []
    with portal() as running, _browser_page() as page:
        running.start_cloud(servers=60, speed=30)
        running.serve()
        _sign_in(page, running)
        person = running.person()
        for server_id, name in person.usable_servers()[:count]:
            job = person.send_form(server_id, person.open_form(server_id, name)).job
            page.goto(f"{running.url}/jobs/{job}/")
            _wait_for_success(page)
            seen: list[tuple[float, str]] = page.evaluate("window.seen")
            delays += _delays(_moves(running, job), seen)
            opened.append(
                page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            )
    return [
        median_of("the poller saw a change to the page showing it", delays, "ms", GOAL_MS),
        median_of("first contentful paint of the job page", opened, "ms", GOAL_MS),
    ]


@contextmanager
def _browser_page() -> Iterator[Page]:
    path = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if path is None:
        raise NotMeasured("there is no Chromium here (make services)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(OBSERVER)
        yield page
        browser.close()


def _wait_for_success(page: Page) -> None:
    try:
        page.locator("#job-head .pill", has_text=LOOKS["job"]["succeeded"].word).wait_for(timeout=60_000)
    except TimeoutError as late:
        raise Failed(f"the page shows {page.title()!r} after a minute") from late


def _sign_in(page: Page, running: Portal) -> None:
    page.goto(f"{running.url}/sign-in/")
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/servers/")


def _moves(running: Portal, job: int) -> list[Move]:
    rows = running.query(
        "SELECT seq, action, at FROM reinstall_auditevent"
        " WHERE object_type = 'job' AND object_id = ? AND seq IS NOT NULL ORDER BY seq",
        str(job),
    )
    return [Move(seq, action.removeprefix("job."), _ms(at)) for seq, action, at in rows]


def _ms(at: str) -> float:
    return datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000


def _delays(moves: list[Move], seen: list[tuple[float, str]]) -> list[float]:
    """For each polled move, ms until the page showed it or a later one (two may share an update)."""
    seq_of = {move.state: move.seq for move in moves}
    delays = []
    for move in moves:
        if move.state in POLLED:
            shown = [at for at, word in seen if seq_of[STATE_OF_WORD[word]] >= move.seq]
            if not shown:
                raise Failed(f"the page never showed {move.state}")
            delays.append(shown[0] - move.at_ms)
    return delays
