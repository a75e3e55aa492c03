"""Two teams, six roles, two projects: what each sees, what each is refused, and the second person at work."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, watch
from tests.browser.looks import LAPTOP, MODES, opened, too_wide_px, violations
from tests.browser.test_reinstall import accepted_for, fill_in, open_form
from tests.concurrency.conftest import free_port
from tests.concurrency.stack import Stack, running_stack, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

END_MS = 60_000
OURS, THEIRS = "shop-prod", "shop-staging"
#: Account -> its project and its role there.
PEOPLE = {
    "vera": (OURS, "viewer"),
    "rita": (OURS, "requester"),
    "april": (OURS, "approver"),
    "albert": (OURS, "approver"),
    "oscar": (OURS, "operator"),
    "audrey": (OURS, "auditor"),
    "ada": (OURS, "admin"),
    "ben": (THEIRS, "requester"),
    "bert": (THEIRS, "admin"),
}
TEAM = [name for name, (project, _) in PEOPLE.items() if project == OURS]
#: Roles come by the service, so that they stand in the audit log as an admin's would.
MAKE = """
from django.utils.timezone import now
from reinstall.domain.actors import Actor, Source
from reinstall.models import Project
from reinstall.services.access import set_role
root = Actor(None, 'root', Source.COMMAND, sees_all=True)
for name, (slug, role) in {people!r}.items():
    person = User.objects.create_user(name, password={password!r})
    project = Project.objects.get(slug=slug)
    set_role(actor=root, now=now(), user_id=person.pk, project=project, role=role)
"""


@dataclass
class Teams:
    """The portal with both teams in it, and a browser's context for each person who has signed in."""

    portal: Stack
    browser: Browser
    cookies: Path
    kept: dict[str, BrowserContext] = field(default_factory=dict)

    def context(self, name: str) -> BrowserContext:
        if name not in self.kept:
            context = self.browser.new_context(base_url=self.portal.url, viewport=LAPTOP)
            page = context.new_page()
            page.goto("/sign-in/?next=/approvals/")
            page.get_by_label("User name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=1)).to_have_text("Approvals")
            page.close()
            self.kept[name] = context
        return self.kept[name]

    def page(self, name: str) -> Page:
        return self.context(name).new_page()

    def state(self, name: str) -> Path:
        """Where the cookies of `name` lie, for a context that looks otherwise."""
        kept = self.cookies / f"{name}.json"
        self.context(name).storage_state(path=kept)
        return kept

    def servers(self, project: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.portal.ask("GET", f"servers/?limit=200&project={project}").json()[
            "results"
        ]
        return rows

    def ask(self, name: str, server: dict[str, Any]) -> int:
        """`name` asks for a reinstall by the form; the job."""
        page = self.page(name)
        filled_in(page, server)
        asking(page, server).click()
        number = job_of(page)
        page.close()
        return number

    def approval(self, job: int) -> int:
        """The approval the order of a job waits for."""
        order = self.portal.job(job)["order"]
        rows = self.portal.ask("GET", "approvals/?limit=200").json()["results"]
        (number,) = (row["id"] for row in rows if row["order"] == order)
        return int(number)


def filled_in(page: Page, server: dict[str, Any]) -> None:
    open_form(page, server)
    fill_in(page, server)
    page.locator("[name=confirm]").fill(server["name"])


def asking(page: Page, server: dict[str, Any]) -> Any:
    return page.get_by_role("button", name=f"Ask for approval to wipe {server['name']}")


def job_of(page: Page) -> int:
    page.wait_for_url("**/jobs/*/")
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A portal that wants a second person even for its simulated cloud, with two projects of that cloud."""
    policy = {"ECSPORTAL_SECOND_PERSON": "always"}
    with running_stack("embedded", tmp_path_factory.mktemp("teams"), policy, port=free_port()) as running:
        address = f"{running.simulator_url}/_sim/cloud.json?project={THEIRS}"
        document = requests.get(address, timeout=10).json()
        running.manage("cloud", "add", "-", stdin=json.dumps(document))
        running.manage("sync", THEIRS)
        running.add_person(MAKE.format(people=PEOPLE, password=PASSWORD))
        yield running


@pytest.fixture(scope="module")
def teams(portal: Stack, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    made = Teams(portal, browser, tmp_path_factory.mktemp("cookies"))
    yield made
    for context in made.kept.values():
        context.close()


@dataclass(frozen=True)
class Waiting:
    """A request of one team that waits: its server, job, approval and newest entry of the audit log."""

    server: dict[str, Any]
    job: int
    approval: int
    entry: int


def waiting_in(teams: Teams, project: str, who: str) -> Waiting:
    server = next(row for row in teams.servers(project) if plain(teams.portal, row))
    teams.portal.handed_out.add(server["id"])
    job = teams.ask(who, server)
    entries = teams.portal.ask("GET", f"audit/?object_type=job&object_id={job}").json()["results"]
    return Waiting(server, job, teams.approval(job), entries[0]["id"])


def plain(portal: Stack, row: dict[str, Any]) -> bool:
    """Whether its form asks for nothing but a key and a reason."""
    if row["id"] in portal.handed_out or row["why_not"] or row["status"] != "ACTIVE":
        return False
    return not portal._has_encrypted_system_disk(row)


@pytest.fixture(scope="module")
def ours(teams: Teams) -> Waiting:
    return waiting_in(teams, OURS, "rita")


@pytest.fixture(scope="module")
def theirs(teams: Teams) -> Waiting:
    return waiting_in(teams, THEIRS, "ben")


def refused(page: Page, address: str, status: int) -> str:
    """The text of the page somebody gets who may not have what is there."""
    answer = page.goto(address)
    assert answer is not None and answer.status == status, address
    return page.locator("main").inner_text()


@pytest.mark.parametrize("name", [*TEAM, "ben"])
def test_each_sees_the_servers_of_the_own_project_alone(name: str, teams: Teams) -> None:
    own, other = (OURS, THEIRS) if name in TEAM else (THEIRS, OURS)
    page = teams.page(name)
    wrong = watch(page)
    page.goto("/servers/")
    shown = page.locator("td.lead a").all_inner_texts()
    names = {row["name"] for row in teams.servers(own)}
    assert shown and set(shown) <= names
    stranger = next(row["name"] for row in teams.servers(other) if row["name"] not in names)
    page.goto(f"/servers/?q={stranger}")
    expect(page.get_by_text("No servers match")).to_be_visible()
    page.goto("/clouds/")
    expect(page.locator("main").get_by_text(own, exact=True).first).to_be_visible()
    expect(page.locator("main").get_by_text(other, exact=True)).to_have_count(0)
    page.close()
    assert wrong == []


@pytest.mark.parametrize("name", TEAM)
def test_each_gets_the_form_or_a_page_that_says_who_gives_the_right(name: str, teams: Teams) -> None:
    server = teams.servers(OURS)[0]
    page, before = teams.page(name), len(teams.portal.accepted())
    address = f"/servers/{server['id']}/reinstall/"
    if PEOPLE[name][1] in ("requester", "operator", "admin"):
        open_form(page, server)
        expect(asking(page, server)).to_be_visible()
    else:
        text = refused(page, address, 403)
        assert "You may not do this" in text
        assert f"Reinstalls in {OURS} need the role requester." in text and "Nothing was changed." in text
        assert f"Rights in {OURS} are given by ada." in text
    page.close()
    assert len(teams.portal.accepted()) == before


@pytest.mark.parametrize("name", TEAM)
def test_each_reads_what_waits_in_the_own_project_and_is_offered_what_is_theirs(
    name: str, teams: Teams, ours: Waiting, theirs: Waiting
) -> None:
    page = teams.page(name)
    page.goto("/approvals/")
    row = page.get_by_role("link", name=f"Reinstall {ours.server['name']}")
    expect(row).to_be_visible()
    expect(page.get_by_role("link", name=f"Reinstall {theirs.server['name']}", exact=True)).to_have_count(0)
    row.click()
    offered = {
        "approver": {"approve", "decline"},
        "admin": {"decline", "override"},
        "requester": {"withdraw"},
    }.get(PEOPLE[name][1], set())
    found = page.locator("button[name=decision]").evaluate_all("all => all.map(one => one.value)")
    assert set(found) == offered
    if not offered:
        expect(page.locator("main")).to_contain_text(f"Approving in {OURS} needs the role approver.")
    page.close()


@pytest.mark.parametrize("name", TEAM)
def test_what_was_done_to_people_is_for_auditors_and_admins(name: str, teams: Teams) -> None:
    page = teams.page(name)
    page.goto("/audit/?object_type=membership")
    listed = page.locator("main").inner_text()
    assert THEIRS not in listed
    assert (f"rita in {OURS}" in listed) == (PEOPLE[name][1] in ("auditor", "admin"))
    page.goto("/audit/?object_type=server")
    assert THEIRS not in page.locator("main").inner_text()
    page.close()


@pytest.mark.parametrize("name", TEAM)
def test_nothing_of_the_other_team_has_an_address(name: str, teams: Teams, theirs: Waiting) -> None:
    page = teams.page(name)
    for address in (
        f"/servers/{theirs.server['id']}/",
        f"/servers/{theirs.server['id']}/reinstall/",
        f"/jobs/{theirs.job}/",
        f"/approvals/{theirs.approval}/",
        f"/audit/{theirs.entry}/",
        f"/clouds/{THEIRS}/",
        f"/clouds/{THEIRS}/test/",
    ):
        text = refused(page, address, 404)
        assert "There is nothing at this address" in text and theirs.server["name"] not in text, address
    page.close()


def test_two_approvers_the_first_answer_counts_and_the_job_names_who_agreed(
    teams: Teams, ours: Waiting
) -> None:
    rita, april, albert = (teams.page(name) for name in ("rita", "april", "albert"))
    wrong = [watch(page) for page in (rita, april, albert)]
    rita.goto(f"/jobs/{ours.job}/")
    expect(rita.get_by_role("heading", level=1)).to_contain_text("Waiting for approval")
    for page in (april, albert):
        page.goto("/approvals/")
        page.get_by_role("link", name=f"Reinstall {ours.server['name']}").click()
        expect(page.get_by_role("heading", name="Do you agree?")).to_be_visible()
    assert accepted_for(teams.portal, ours.server) == []
    april.get_by_role("button", name=f"Approve wiping {ours.server['name']}").click()
    expect(april.locator("#approval-outcome")).to_contain_text("Approved by april")
    albert.get_by_label("Reason").fill("Not on a Friday")
    albert.get_by_role("button", name="Decline").click()
    summary = albert.locator("#error-summary")
    expect(summary).to_contain_text("It was approved by april already. Your answer was not used.")
    expect(albert.locator("#approval-outcome")).to_contain_text("Approved by april")
    expect(rita.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=END_MS)
    expect(rita.locator("main")).to_contain_text("approved by april")
    assert len(accepted_for(teams.portal, ours.server)) == 1
    for page in (rita, april, albert):
        page.close()
    assert wrong == [[], [], []]


def test_a_double_click_and_a_second_tab_ask_once(teams: Teams) -> None:
    server = next(row for row in teams.servers(OURS) if plain(teams.portal, row))
    teams.portal.handed_out.add(server["id"])
    first, second = teams.page("rita"), teams.page("rita")
    for page in (first, second):
        filled_in(page, server)
    asking(first, server).dblclick()
    number = job_of(first)
    asking(second, server).click()
    expect(second.locator("#error-summary")).to_contain_text(f"job #{number}")
    jobs = teams.portal.ask("GET", f"jobs/?server={server['id']}").json()["results"]
    assert [job["id"] for job in jobs] == [number]
    assert accepted_for(teams.portal, server) == []
    first.goto(f"/approvals/{teams.approval(number)}/")
    first.get_by_role("button", name="Withdraw my request").dblclick()
    expect(first.locator("#approval-outcome")).to_contain_text("Withdrawn by rita")
    first.close()
    second.close()
    assert teams.portal.job(number)["state"] == "cancelled"
    assert accepted_for(teams.portal, server) == []


def test_a_server_renamed_after_asking_is_shown_and_ends_it(teams: Teams) -> None:
    server = next(row for row in teams.servers(OURS) if plain(teams.portal, row))
    teams.portal.handed_out.add(server["id"])
    number = teams.ask("rita", server)
    change = {"server_id": server["id"], "name": "renamed-meanwhile"}
    requests.post(f"{teams.portal.simulator_url}/_sim/server", json=change, timeout=10).raise_for_status()
    page, address = teams.page("april"), f"/approvals/{teams.approval(number)}/"

    def told() -> bool:
        # The cloud's answers of the last seconds are used again, those of the requester's form too.
        page.goto(address)
        return "It is not what was asked for any more" in page.locator("main").inner_text()

    wait_until(told, "the page to tell of the change")
    expect(page.locator("#checks")).to_contain_text("renamed-meanwhile")
    page.get_by_role("button", name=re.compile("^Approve wiping")).click()
    expect(page.locator("#error-summary")).to_contain_text(
        "It is not what was asked for any more, and was ended"
    )
    expect(page.locator("#approval-outcome")).to_contain_text("It counts no more: something changed")
    page.close()
    job = wait_until(lambda: (found := teams.portal.job(number))["ended_at"] and found, "the job to end")
    assert job["state"] == "cancelled"
    assert accepted_for(teams.portal, server) == []


def test_an_admin_gives_a_role_and_takes_it_away_and_both_count_at_once(teams: Teams) -> None:
    server = teams.servers(OURS)[0]
    teams.portal.add_person(f"User.objects.create_user('nina', password={PASSWORD!r})")
    ada, nina = teams.page("ada"), teams.page("nina")
    wrong, form = watch(ada), f"/servers/{server['id']}/reinstall/"
    refused(nina, form, 404)
    ada.goto(f"/clouds/{OURS}/")
    ada.get_by_role("link", name="People").click()
    ada.get_by_label("User name").fill("nona")
    ada.get_by_role("radio", name=re.compile("^Viewer")).check()
    ada.get_by_role("button", name="Give role").click()
    expect(ada.locator("#error-summary")).to_contain_text("There is no account nona. Write a user name.")
    ada.get_by_label("User name").fill("nina")
    ada.get_by_role("button", name="Give role").click()
    expect(ada.get_by_text(f"nina is viewer in {OURS}.")).to_be_visible()
    assert "need the role requester" in refused(nina, form, 403)
    ada.get_by_label("Role of nina", exact=True).select_option("requester")
    ada.get_by_role("button", name="Change the role of nina").click()
    expect(ada.get_by_text(f"nina is requester in {OURS}.")).to_be_visible()
    open_form(nina, server)
    ada.get_by_role("button", name="Take the role of nina away").click()
    expect(ada.get_by_text("nina has no role here any more.")).to_be_visible()
    refused(nina, form, 404)
    ada.get_by_role("link", name="History").click()
    expect(ada.locator("td code").first).to_have_text("role.ended")
    ada.close()
    nina.close()
    assert wrong == []


@pytest.mark.parametrize("mode", MODES)
def test_axe_finds_nothing_on_the_pages_of_the_second_person(
    mode: str, teams: Teams, theirs: Waiting
) -> None:
    """Of the other team, whose request waits to the end."""
    context = opened(teams.browser, teams.portal, mode, teams.state("bert"))
    page = context.new_page()
    wrong = watch(page)
    for address in (
        "/approvals/",
        "/approvals/?tab=ended",
        f"/approvals/{theirs.approval}/",
        f"/clouds/{THEIRS}/people/",
    ):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert (violations(page), too_wide_px(page) <= 0, wrong) == ([], True, []), address
    context.close()
