"""The list of servers, the page of one, syncing."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.models import Membership, Project, Server, SyncRun
from reinstall.services import inventory
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, placed_job

pytestmark = pytest.mark.django_db


def add_servers(project: Project, count: int) -> None:
    Server.objects.bulk_create(
        Server(
            id=uuid.uuid4(),
            project=project,
            name=f"bulk-{i:03}",
            status="ACTIVE",
            search=f"bulk-{i:03}",
            seen_at=timezone.now(),
        )
        for i in range(count)
    )


def test_the_list_shows_the_servers_of_ones_projects(browser: Client, server: Server) -> None:
    html = browser.get("/servers/").content.decode()
    assert server.name in html
    assert f'href="/servers/{server.pk}/reinstall/"' in html


def test_somebody_without_a_project_sees_none(stranger: Client, server: Server) -> None:
    html = stranger.get("/servers/").content.decode()
    assert server.name not in html
    assert "No project yet" in html


def test_a_search_narrows_and_says_when_nothing_is_left(browser: Client, server: Server) -> None:
    assert server.name in browser.get("/servers/", {"q": server.name}).content.decode()
    html = browser.get("/servers/", {"q": "no-such-server"}).content.decode()
    assert "No servers match" in html
    assert "Clear the filters" in html


def test_pages_follow_each_other_and_keep_the_filter(browser: Client, project: Project) -> None:
    add_servers(project, 60)
    first = browser.get("/servers/", {"q": "bulk"})
    following = first.context["next"]
    assert "q=bulk" in following
    second = browser.get(f"/servers/{following}")
    names = [row.name for answer in (first, second) for row in answer.context["page"].items]
    assert names == [f"bulk-{i:03}" for i in range(60)]
    back = browser.get(f"/servers/{second.context['previous']}")
    assert [row.name for row in back.context["page"].items] == names[:50]


def test_a_broken_address_says_what_is_wrong_with_it(browser: Client) -> None:
    answer = browser.get("/servers/", {"cursor": "nonsense"})
    assert answer.status_code == 400
    assert b"This cursor is not one of this list" in answer.content
    assert browser.get("/servers/", {"status": "<b>"}).status_code == 400


def test_as_many_queries_for_fifty_servers_as_for_one(
    browser: Client, project: Project, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    add_servers(project, 50)
    with django_assert_max_num_queries(17) as one:
        browser.get("/servers/", {"q": "bulk-001"})
    with django_assert_num_queries(len(one.captured_queries)):
        browser.get("/servers/", {"q": "bulk"})


def test_the_chosen_project_stays_chosen(
    browser: Client, requester: User, project: Project, server: Server
) -> None:
    other = Project.objects.create(
        **{
            f.attname: getattr(project, f.attname)
            for f in Project._meta.fields
            if f.name not in ("id", "slug", "name", "project_id")
        },
        slug="other",
        name="Other project",
        project_id="f" * 32,
    )
    Membership.objects.create(user=requester, project=other, role=Membership.Role.VIEWER)
    browser.get("/servers/", {"project": "other"})
    html = browser.get("/servers/").content.decode()
    assert server.name not in html
    assert browser.get("/jobs/").context["portal"].project.slug == "other"
    shown = browser.get(f"/servers/{server.pk}/")
    assert shown.context["portal"].project.slug == project.slug, "a server's page is about its own project"


def test_the_simulator_says_so_on_every_page(browser: Client, server: Server) -> None:
    sentence = b"nothing real can be wiped"
    for address in ("/servers/", f"/servers/{server.pk}/", "/jobs/", "/key-pairs/", "/audit/"):
        assert sentence in browser.get(address).content, address
    Project.objects.update(environment="production")
    assert sentence not in browser.get("/servers/").content


def test_one_server_says_what_would_happen_to_each_disk(browser: Client, server: Server) -> None:
    html = browser.get(f"/servers/{server.pk}/").content.decode()
    assert html.count("Wiped</span>") == 1
    assert html.count("Stays</span>") == server.disks.count() - 1
    assert str(server.pk) in html
    assert "Never reinstalled from here." in html


def test_a_held_server_offers_no_button_but_its_job(browser: Client, server: Server, actor: Actor) -> None:
    job = placed_job(actor, server)
    html = browser.get(f"/servers/{server.pk}/").content.decode()
    assert f'href="/servers/{server.pk}/reinstall/"' not in html
    assert f"Watch job #{job.pk}" in html


def test_syncing_reads_the_cloud_and_says_what_it_found(
    browser: Client, project: Project, server: Server, simulator: RunningSimulator
) -> None:
    Server.objects.filter(pk=server.pk).update(name="old-name")
    page = f"/projects/{project.slug}/sync/"
    html = browser.post(page, follow=True).content.decode()
    assert "Waiting for its turn to read the cloud." in html
    assert f'data-sync="{page}progress/"' in html
    assert browser.get(f"{page}progress/").json()["open"] is True
    run = SyncRun.objects.get(ended_at=None)
    assert browser.post(page).status_code == 302 and SyncRun.objects.filter(ended_at=None).get() == run
    assert inventory.read_run(run_id=run.pk, owner="test", clock=Clock())
    told = browser.get(f"{page}progress/").json()
    assert told["open"] is False
    assert "servers read: +0, 1 changed, 0 gone." in told["html"]
    assert f"Changed: {server.name} (name)" in told["html"]
    server.refresh_from_db()
    assert server.name != "old-name"
    assert "1 changed, 0 gone." in browser.get("/servers/?project=shop-prod").content.decode()


def test_a_viewer_cannot_sync(stranger: Client, user: User, project: Project) -> None:
    Membership.objects.create(user=user, project=project, role=Membership.Role.VIEWER)
    assert stranger.post(f"/projects/{project.slug}/sync/").status_code == 403
    assert b"Sync now" not in stranger.get("/servers/").content
