"""The list of servers while it is open: its address answers the fragments that changed, or 304."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.domain.states import JobState
from reinstall.models import Membership, Project, Server
from reinstall.services import inventory
from simulator.server import RunningSimulator
from tests import query_ledger
from tests.reinstall.conftest import OPERATOR
from tests.reinstall.rows import T0, a_job, a_project, a_server, an_order
from tests.reinstall.web.test_many import chosen

pytestmark = pytest.mark.django_db


class Open:
    """A list as the script of its page keeps it."""

    def __init__(self, browser: Client, address: str) -> None:
        self.browser = browser
        self.html = html = browser.get(address).content.decode()
        said = re.search(r'data-version="([^"]*)" data-live-list="([^"]*)"', html)
        assert said
        self.version = said[1]
        ids = re.findall(r'<td class="lead"><span class="two"><a href="/servers/([0-9a-f-]{36})/">', html)
        self.address = f"{unescape(said[2])}&ids={'.'.join(ids)}"

    def ask(self) -> Any:
        answer = self.browser.get(self.address, headers={"If-None-Match": f'W/"{self.version}"'})
        self.version = answer.headers.get("ETag", "").strip('"')
        return answer


def test_304_until_something_changes_then_only_that(page: Client, shop: Project, bob: User) -> None:
    servers = [a_server(shop, f"web-{number}") for number in range(3)]
    opened = Open(page, "/servers/?project=shop")
    answer = opened.ask()
    assert (answer.status_code, answer.content) == (304, b"")
    a_job(an_order(shop, bob), servers[1], JobState.RUNNING, accepted_at=T0)
    update = opened.ask().json()
    assert list(update["rows"]) == [str(servers[1].pk)]
    row = update["rows"][str(servers[1].pk)]
    assert "Reinstalling" in row and "Held by #" in row and "<input" not in row
    assert update["moved"] == 0 and "changed" not in update["html"]["list-changed"].replace(
        "list-changed", ""
    )
    assert "list-count" not in update["html"]
    assert opened.ask().status_code == 304


def test_rows_are_exactly_those_of_the_page(page: Client, shop: Project) -> None:
    for number in range(3):
        a_server(shop, f"web-{number}")
    for address in ("/servers/?project=shop&shown=1&col=zone&col=created", "/servers/?project=&shown=1"):
        opened = Open(page, address)
        opened.version = ""
        rows = opened.ask().json()["rows"]
        assert len(rows) == 3
        assert all(row.strip() in opened.html for row in rows.values())


def test_the_line_leads_to_the_same_filtered_list(page: Client, shop: Project) -> None:
    server = a_server(shop, "web-1", status="SHUTOFF")
    opened = Open(page, "/servers/?project=shop&status=stopped&q=web&ordering=-name")
    Server.objects.filter(pk=server.pk).update(status="ACTIVE")
    line = opened.ask().json()["html"]["list-changed"]
    assert "1 server changed," in line
    link = re.search(r'href="/servers/\?([^"]*)"', line)
    assert link
    query = dict(part.split("=") for part in unescape(link[1]).split("&"))
    assert query == {"project": "shop", "status": "stopped", "q": "web", "ordering": "-name"}


def test_an_empty_list_is_told_of_its_first_server(page: Client, shop: Project) -> None:
    opened = Open(page, "/servers/?q=web")
    a_server(shop, "web-1")
    assert opened.ask().json()["moved"] == 1


def test_asking_chooses_no_project_and_follows_none(page: Client, shop: Project, bob: User) -> None:
    a_server(shop, "web-1")
    other = a_project("other")
    Membership.objects.create(user=bob, project=other, role="viewer")
    opened = Open(page, "/servers/?project=shop")
    page.get("/servers/?project=other")
    assert opened.ask().status_code == 304
    assert page.session["project"] == "other"


def test_it_is_scoped_like_the_list(page: Client, shop: Project, bob: User) -> None:
    server = a_server(shop, "web-1")
    opened = Open(page, "/servers/?project=shop")
    everywhere = Open(page, "/servers/?project=")
    assert page.get("/servers/changes/?project=nowhere").status_code == 404
    Membership.objects.filter(user=bob).delete()
    Server.objects.update(status="SHUTOFF")
    answer = opened.ask()
    assert answer.status_code == 404 and b"web-1" not in answer.content
    assert everywhere.ask().json()["rows"] == {}
    page.logout()
    answer = page.get(f"/servers/changes/?project=shop&ids={server.pk}")
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize(
    "query", ["ids=x", "ids=" + ".".join([f"{n:032x}" for n in range(61)]), "cursor=x", "ordering=x"]
)
def test_what_is_none_of_a_page_is_refused(query: str, page: Client) -> None:
    assert page.get(f"/servers/changes/?{query}").status_code == 400


def test_a_box_that_comes_back_is_ticked_where_it_was(browser: Client, server: Server) -> None:
    chosen(browser, [server])
    opened = Open(browser, f"/servers/?project=shop-prod&q={server.name}")
    Server.objects.filter(pk=server.pk).update(locked=True)
    row = opened.ask().json()["rows"][str(server.pk)]
    assert "is locked at the cloud" in row and "<input" not in row
    Server.objects.filter(pk=server.pk).update(locked=False)
    assert " checked>" in opened.ask().json()["rows"][str(server.pk)]


def test_a_reading_shows_new_names_states_and_its_time(
    browser: Client, project: Project, server: Server, simulator: RunningSimulator
) -> None:
    opened = Open(browser, f"/servers/?project=shop-prod&q={server.name}")
    with simulator.lock:
        there = simulator.world.servers[str(server.pk)]
        there.name, there.status = "renamed-by-hand", "SHUTOFF"
    inventory.sync_project(actor=OPERATOR, now=now(), project=project)
    update = opened.ask().json()
    row = update["rows"][str(server.pk)]
    assert "renamed-by-hand" in row and "Stopped" in row
    assert "Read from the cloud" in update["html"]["list-count"]
    assert update["moved"] == 1, "its name does not match the search any more"


def test_asking_takes_the_same_queries_for_one_row_and_for_fifty(page: Client, shop: Project) -> None:
    a_server(shop)
    opened = Open(page, "/servers/?project=shop")

    def more() -> None:
        for _ in range(49):
            a_server(shop)
        nonlocal opened
        opened = Open(page, "/servers/?project=shop")

    def ask() -> None:
        assert page.get(opened.address, headers={"If-None-Match": f'"{opened.version}"'}).status_code == 304

    query_ledger.holds("GET /servers/changes/ (304)", ask, more)
