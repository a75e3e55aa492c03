"""The list of servers as a page: chips, heads that sort, columns, views, CSV; parts of a server's page."""

import csv
import io
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client

from reinstall.domain.states import JobState
from reinstall.models import Disk, Image, Project, SavedView, Server
from tests.reinstall.rows import T0, a_job, a_person, a_project, a_server, an_order

pytestmark = pytest.mark.django_db
HOSTILE = '"><script>alert(1)</script>'


def html_of(page: Client, address: str) -> str:
    answer = page.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_chip_says_what_is_chosen_and_the_form_keeps_the_rest(page: Client, shop: Project) -> None:
    a_server(shop, "web-1")
    html = html_of(page, "/servers/?status=running&tag=tier%3Dweb&last=never&q=web")
    assert "Status: Running" in html
    assert "Last reinstall: Never from here" in html
    assert '<input type="hidden" name="tag" value="tier=web">' in html
    assert 'aria-label="Tag tier=web, remove"' in html
    assert "web-1" in html
    assert "Protected: Yes" in html_of(page, "/servers/?protected=yes")


def test_heads_sort_and_say_how_the_list_is_sorted(page: Client, shop: Project) -> None:
    a_server(shop, "web-1")
    html = html_of(page, "/servers/?q=web")
    assert (
        '<th scope="col" aria-sort="ascending"><a class="sort" href="?q=web&amp;ordering=-name">Name' in html
    )
    html = html_of(page, "/servers/?q=web&ordering=-image&cursor=")
    assert 'aria-sort="descending"><a class="sort" href="?q=web&amp;ordering=image">Image' in html
    assert html.count("aria-sort") == 1
    assert page.get("/servers/?ordering=secret").status_code == 400


def test_columns_and_density_stay_for_the_session(page: Client, shop: Project) -> None:
    a_server(shop, "web-1", zone="eu-de-03", keyname="ops-2026")
    assert "eu-de-03" not in html_of(page, "/servers/")
    html = html_of(page, "/servers/?shown=1&col=zone&col=keyname&col=nonsense&density=compact")
    assert "eu-de-03" in html
    assert "ops-2026" in html
    again = html_of(page, "/servers/")
    assert "eu-de-03" in again
    assert "servers cards picks compact" in again
    assert "eu-de-03" not in html_of(page, "/servers/?shown=1")
    assert "servers cards picks compact" not in html_of(page, "/servers/")


@pytest.mark.parametrize("column", ["zone", "flavor", "keyname", "created", "seen"])
def test_every_column_shows_in_head_and_row(page: Client, shop: Project, column: str) -> None:
    a_server(shop, "web-1", zone="zone-z", flavor="flavor-f", keyname="key-k", created_at=T0)
    said = {
        "zone": "zone-z",
        "flavor": "flavor-f",
        "keyname": "key-k",
        "created": "2 Jan",
        "seen": "Last seen",
    }
    html = html_of(page, f"/servers/?shown=1&col={column}")
    assert said[column] in html.replace("\u00a0", " ")
    assert html.count("<th ") == 9


def test_an_image_that_is_gone_is_seen_before_anybody_needs_it(page: Client, shop: Project) -> None:
    server = a_server(shop, "web-1")
    Image.objects.create(project=shop, image_id="image-1", seen_at=T0, gone_at=T0)
    assert "Original image gone" in html_of(page, "/servers/")
    assert "Original image gone" in html_of(page, f"/servers/{server.pk}/")


def test_a_view_is_kept_shown_as_a_tab_and_deleted(page: Client, shop: Project) -> None:
    a_server(shop, "web-1")
    said = {"name": HOSTILE, "query": "tag=tier%3Dweb&cursor=abc&nonsense=1&ordering=-name&col=zone&shown=1"}
    answer = page.post("/servers/views/", said)
    assert answer.status_code == 303
    view = SavedView.objects.get()
    assert view.query == "tag=tier%3Dweb&ordering=-name&col=zone&shown=1"
    assert answer["Location"] == f"/servers/?{view.query}"
    html = html_of(page, answer["Location"])
    assert HOSTILE not in html
    assert 'aria-current="page">&quot;&gt;&lt;script&gt;' in html
    assert "Delete view" in html
    assert "Delete view" not in html_of(page, "/servers/")
    answer = page.post(f"/servers/views/{view.pk}/delete/")
    assert (answer.status_code, answer["Location"]) == (303, f"/servers/?{view.query}")
    assert not SavedView.objects.exists()


def test_a_view_without_a_name_or_of_a_taken_one_says_so(page: Client, shop: Project) -> None:
    for _ in range(2):
        answer = page.post("/servers/views/", {"name": "mine", "query": "q=web"}, follow=True)
    assert "Take another name" in answer.content.decode()
    answer = page.post("/servers/views/", {"query": "q=web"}, follow=True)
    assert "Give the view a name." in answer.content.decode()


def test_a_view_of_somebody_else_is_not_there(page: Client, shop: Project) -> None:
    theirs = SavedView.objects.create(
        user=a_person("eve", shop), page="servers", name="secret", query="q=x", created_at=T0
    )
    assert "secret" not in html_of(page, "/servers/")
    assert page.post(f"/servers/views/{theirs.pk}/delete/").status_code == 404
    assert page.get(f"/servers/views/{theirs.pk}/delete/").status_code == 405
    assert SavedView.objects.filter(pk=theirs.pk).exists()


@async_to_sync
async def fetched(person: User, query: str) -> tuple[int, list[bytes]]:
    """Status and parts of the CSV, as a server that streams sends them."""
    client = AsyncClient()
    await client.aforce_login(person)
    answer = await client.get(f"/servers/servers.csv?{query}")
    if not isinstance(answer, StreamingHttpResponse):
        return answer.status_code, []
    return answer.status_code, [part async for part in answer]


def rows_in(parts: list[bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(parts).decode(), newline="")))


def test_the_csv_is_exactly_the_filter_sent_in_pages(bob: User, shop: Project) -> None:
    for number in range(205):
        a_server(shop, f"web-{number:03}", data_disks=0)
    a_server(shop, "=cmd|calc", image_name="other")
    a_server(a_project("foreign"), "web-secret")
    status, parts = fetched(bob, "image=Debian+12&ordering=-name")
    assert (status, len(parts)) == (200, 3)
    assert [row["name"] for row in rows_in(parts)] == [f"web-{number:03}" for number in reversed(range(205))]
    [row] = rows_in(fetched(bob, "image=other")[1])
    assert (row["name"], row["project"], row["system_gb"]) == ("'=cmd|calc", "shop", "40")
    assert fetched(bob, "status=nonsense")[0] == 400


def test_the_link_to_the_csv_keeps_the_filter(page: Client, shop: Project) -> None:
    a_server(shop, "web-1")
    html = html_of(page, "/servers/?q=web&ordering=-name&cursor=")
    assert 'href="/servers/servers.csv?q=web&amp;ordering=-name" download' in html


def test_the_page_of_a_server_tells_snapshots_keys_rules_and_namesakes(page: Client, shop: Project) -> None:
    server = a_server(shop, "web-prod-11", data_disks=2)
    a_server(shop, "web-prod-12")
    disks = Disk.objects.filter(server=server)
    disks.filter(boot_index=0).update(snapshots=2)
    disks.filter(device="/dev/vdb").update(snapshots=1, encrypted=True, cmkid="3f9a2c58-0f0e", shareable=True)
    html = html_of(page, f"/servers/{server.pk}/")
    assert "2 snapshots, deleted with the disk" in html
    assert "1 snapshot stays" in html
    assert "snapshots not known" in html
    assert "shared with other servers" in html
    assert 'title="3f9a2c58-0f0e"' in html
    assert "1 other server has a similar name." in html
    assert "You may reinstall it" in html
    assert "your role in shop: requester" in html
    assert "No freeze" in html
    Disk.objects.filter(server=server, boot_index=0).update(snapshots=None)
    assert "how many is not known" in html_of(page, f"/servers/{server.pk}/")


def test_the_history_of_a_server_goes_on_to_its_first_reinstall(
    page: Client, bob: User, shop: Project
) -> None:
    server = a_server(shop, "web-1")
    for number in range(23):
        order = an_order(shop, bob, reason=f"reason-{number:02}")
        a_job(order, server, JobState.FAILED, created_at=T0 + timedelta(days=number))
    answer = page.get(f"/servers/{server.pk}/")
    assert "reason-22" in answer.content.decode()
    older = html_of(page, f"/servers/{server.pk}/{answer.context['next']}")
    assert "reason-00" in older
    assert "reason-22" not in older


def test_the_form_says_which_servers_are_easily_mistaken(browser: Client, server: Server) -> None:
    a_server(server.project, f"{server.name.rstrip('0123456789')}999")
    html = html_of(browser, f"/servers/{server.pk}/reinstall/")
    assert "a similar name." in html
