"""What a page of servers that stays open is told: the rows that are other, and how many would move."""

import uuid
from datetime import timedelta

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import Disk, Project, Server
from reinstall.selectors.server_changes import MOST, Changes, Shown, server_changes, version_of
from reinstall.selectors.servers import ServerFilters, server_page
from tests.reinstall.rows import T0, a_job, a_person, a_project, a_server, an_order

pytestmark = pytest.mark.django_db


class Open:
    """A page of the list as somebody opened it."""

    def __init__(self, actor: Actor, *, cursor: str = "", seen: bool = False, **filters: str) -> None:
        self.actor, self.filters, self.cursor = actor, ServerFilters(**filters), cursor
        page = server_page(actor, self.filters, cursor=cursor)
        self.next = page.next
        self.shown = Shown(tuple(row.id for row in page.items), T0, seen)
        self.version = version_of(page.items, T0, seen=seen)

    def changes(self) -> Changes:
        found = server_changes(self.actor, self.filters, self.shown, cursor=self.cursor, known=self.version)
        self.version = found.version
        return found


def names(found: Changes) -> list[str]:
    return [row.name for row in found.rows]


def test_nothing_is_told_where_nothing_is_other(bob: Actor, shop: Project) -> None:
    for _ in range(3):
        a_server(shop)
    page = Open(bob)
    before = page.version
    found = page.changes()
    assert (found.version, found.rows, found.moved, found.read) == (before, (), 0, False)


def test_a_row_is_told_once_for_each_of_its_changes(bob: Actor, shop: Project) -> None:
    first, second = a_server(shop, "web-1"), a_server(shop, "web-2")
    page = Open(bob)
    Server.objects.filter(pk=first.pk).update(status="SHUTOFF")
    found = page.changes()
    assert names(found) == ["web-1"] and found.rows[0].state == "stopped" and found.moved == 0
    assert page.changes().rows == ()
    order = an_order(shop, a_person("eve", shop))
    job = a_job(order, second, JobState.RUNNING, accepted_at=T0)
    found = page.changes()
    assert found.rows[0].state == "reinstalling" and "holds web-2" in found.rows[0].why_not
    type(job).objects.update(state=JobState.SUCCEEDED, ended_at=T0)
    found = page.changes()
    assert found.rows[0].why_not == "" and found.rows[0].last_job is not None
    Disk.objects.filter(server=first, boot_index=0).delete()
    assert "no system disk" in page.changes().rows[0].why_not


def test_a_reading_that_saw_them_again_tells_only_pages_that_show_when(bob: Actor, shop: Project) -> None:
    a_server(shop)
    page, with_column = Open(bob), Open(bob, seen=True)
    Server.objects.update(seen_at=T0 + timedelta(minutes=5))
    assert page.changes().rows == ()
    assert len(with_column.changes().rows) == 1


def test_when_the_cloud_was_read_is_told(bob: Actor, shop: Project) -> None:
    page = Open(bob)
    page.shown = Shown((), T0 + timedelta(minutes=5))
    assert page.changes().read and not page.changes().read


def test_a_server_that_was_renamed_is_told_in_its_row_and_moves_alone(bob: Actor, shop: Project) -> None:
    servers = [a_server(shop, f"web-{number}") for number in range(6)]
    page = Open(bob)
    Server.objects.filter(pk=servers[0].pk).update(name="zebra")
    found = page.changes()
    assert (names(found), found.moved) == (["zebra"], 1)


def test_what_left_the_filter_is_still_told_where_it_stands(bob: Actor, shop: Project) -> None:
    servers = [a_server(shop, f"web-{number}", status="SHUTOFF") for number in range(3)]
    page = Open(bob, status="stopped")
    Server.objects.filter(pk=servers[1].pk).update(status="ACTIVE")
    found = page.changes()
    assert (names(found), found.rows[0].state, found.moved) == (["web-1"], "running", 1)
    Server.objects.filter(pk=servers[1].pk).update(gone_at=T0)
    assert page.changes().rows[0].state == "gone"


def test_one_that_comes_in_and_pushes_another_out_is_one(bob: Actor, shop: Project) -> None:
    for number in range(60):
        a_server(shop, f"web-{number:02}", data_disks=0)
    page = Open(bob)
    second = Open(bob, cursor=page.next)
    a_server(shop, "aaa", data_disks=0)
    assert (page.changes().rows, page.changes().moved) == ((), 1)
    assert second.changes().moved == 0, "pages begin after a server, not after so many"
    a_server(shop, "zzz", data_disks=0)
    assert second.changes().moved == 1


def test_nobody_is_told_of_servers_that_are_not_theirs(bob: Actor, shop: Project) -> None:
    mine, foreign = a_server(shop, "mine"), a_server(a_project("foreign"), "foreign")
    both = Shown((mine.pk, foreign.pk), T0)
    found = server_changes(bob, ServerFilters(), both)
    assert names(found) == ["mine"] and found.moved == 1
    within = server_changes(bob, ServerFilters(project="foreign"), both)
    assert within.rows == ()


@pytest.mark.parametrize("known", ["", "x", "1.2.3", "." * 40, "-" * 400])
def test_a_version_of_another_page_is_answered_in_full(known: str, bob: Actor, shop: Project) -> None:
    key = a_server(shop, "web-1").pk
    assert names(server_changes(bob, ServerFilters(), Shown((key,), T0), known=known)) == ["web-1"]


def test_no_more_are_answered_than_a_page_has(bob: Actor) -> None:
    most = Shown(tuple(uuid.uuid4() for _ in range(MOST + 1)), None)
    with pytest.raises(RuleBroken, match="at most 60"):
        server_changes(bob, ServerFilters(), most)
