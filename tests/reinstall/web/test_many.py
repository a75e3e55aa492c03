"""Choosing many servers in the list and reinstalling them with one order, as forms without JavaScript."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from reinstall.models import Job, KeyPair, Order, Project, Selection, Server
from reinstall.services import protection
from tests import query_ledger
from tests.reinstall.conftest import actor_for
from tests.reinstall.rows import a_server
from tests.reinstall.web.conftest import once_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policy")]


@pytest.fixture
def servers(project: Project) -> list[Server]:
    return plain_servers(project)[:3]


def plain_servers(project: Project) -> list[Server]:
    """Servers of the project a reinstall would go through for."""
    names = ["web-prod-01", "web-prod-06", "cache-prod-01", "cache-prod-02"]
    return list(Server.objects.filter(project=project, name__in=names).order_by("name"))


def chosen(browser: Client, servers: list[Server], **changes: Any) -> str:
    """Ticks the servers as the list's form does; returns the address of the form for them."""
    ids = [str(server.pk) for server in servers]
    values = {
        "project": "shop-prod",
        "action": "keep",
        "shown": " ".join(ids),
        "server": ids,
        "back": "q=web",
    }
    answer = browser.post("/servers/select/", values | changes)
    assert (answer.status_code, answer["Location"]) == (303, "/servers/?q=web")
    return f"/reinstalls/new/?selection={Selection.objects.get().pk}"


def filled_in(browser: Client, address: str, **changes: Any) -> dict[str, Any]:
    html = browser.get(address).content.decode()
    seen = re.search(r'name="seen" value="([^"]*)"', html)
    assert seen
    key = KeyPair.objects.order_by("name")[0]
    values = {
        "once": once_of(html),
        "seen": seen[1],
        "action": "place",
        "login": "keypair",
        "keyname": key.name,
        "userid": key.userid,
        "mode": "withStopServer",
        "byol": "false",
        "user_data_source": "none",
        "user_data": "",
        "encrypted": "",
        "reason": "OPS-4417",
        "confirm": "wipe 3 servers",
    }
    return values | changes


def test_the_bar_counts_what_is_chosen_over_pages_and_filters(browser: Client, servers: list[Server]) -> None:
    address = chosen(browser, servers[:2])
    chosen(browser, servers[2:])
    html = browser.get("/servers/?q=nothing-like-it").content.decode()
    assert "3 selected." in html
    assert f'href="{address}">Reinstall 3 servers' in html
    html = browser.get(f"/servers/?q={servers[0].name}").content.decode()
    assert re.search(rf'value="{servers[0].pk}"[^>]* checked', html)


def test_a_server_that_cannot_be_chosen_has_no_box(browser: Client, servers: list[Server]) -> None:
    Server.objects.filter(pk=servers[0].pk).update(locked=True)
    html = browser.get(f"/servers/?q={servers[0].name}").content.decode()
    assert f'name="server" value="{servers[0].pk}"' not in html
    assert "is locked at the cloud" in html


def test_all_that_match_and_clear(browser: Client, project: Project) -> None:
    browser.post("/servers/select/", {"project": "shop-prod", "action": "all", "back": "q=web-"})
    selection = Selection.objects.get()
    assert set(selection.server_ids) <= {str(s.pk) for s in Server.objects.filter(name__contains="web-")}
    assert len(selection.server_ids) > 3
    browser.post("/servers/select/", {"project": "shop-prod", "action": "clear", "back": ""})
    assert Selection.objects.count() == 0


def test_a_script_gets_the_words_of_the_bar(browser: Client, servers: list[Server]) -> None:
    ids = [str(server.pk) for server in servers]
    values = {"project": "shop-prod", "action": "keep", "shown": " ".join(ids), "server": ids}
    answer = browser.post("/servers/select/", values, headers={"accept": "application/json"})
    assert "3 selected." in answer.json()["html"]["selection-words"]
    values["server"] = ["no id"]
    answer = browser.post("/servers/select/", values, headers={"accept": "application/json"})
    assert answer.status_code == 422


def test_another_persons_selection_is_not_found(browser: Client, servers: list[Server]) -> None:
    address = chosen(browser, servers)
    Selection.objects.update(user=User.objects.create_user("carol"))
    assert browser.get(address).status_code == 404
    assert browser.get("/reinstalls/new/?selection=x").status_code == 404
    assert browser.get("/reinstalls/new/").status_code == 404


def test_many_servers_become_one_order(browser: Client, servers: list[Server]) -> None:
    address = chosen(browser, servers)
    values = filled_in(browser, address)
    html = browser.get(address).content.decode()
    assert "The system disks of 3 servers will be wiped" in html
    answer = browser.post(address, values)
    order = Order.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/?order={order.pk}")
    assert set(order.jobs.values_list("server", flat=True)) == {server.pk for server in servers}
    # The same form once more: the same order.
    assert browser.post(address, values)["Location"] == f"/jobs/?order={order.pk}"
    assert Order.objects.count() == 1
    page = browser.get(answer["Location"]).content.decode()
    assert f"Order {order.pk}" in page
    assert re.search(r'<b class="num">3</b>', page)
    assert browser.get("/jobs/?order=999999").status_code == 404
    assert browser.get("/jobs/?order=x").status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"confirm": "wipe 2 servers"}, "Type the sentence exactly as shown: wipe 3 servers"),
        ({"seen": "forged"}, "This form was opened more than two hours ago"),
        ({"once": "forged"}, "This form was opened more than two hours ago"),
        ({"keyname": "", "userid": ""}, "There is a problem"),
    ],
)
def test_nothing_is_sent_for_a_form_that_is_wrong(
    browser: Client, servers: list[Server], changes: dict[str, str], sentence: str
) -> None:
    address = chosen(browser, servers)
    answer = browser.post(address, filled_in(browser, address, **changes))
    assert sentence in answer.content.decode()
    assert Job.objects.count() == 0


def test_what_became_unusable_is_told_by_name_and_nothing_is_sent(
    browser: Client, requester: User, servers: list[Server]
) -> None:
    address = chosen(browser, servers)
    values = filled_in(browser, address)
    lost = servers[1]
    protection.protect_server(actor=actor_for(requester), now=now(), server_id=lost.pk, reason="the till")
    html = browser.post(address, values).content.decode()
    assert f"{lost.name} cannot be reinstalled any more:" in html
    assert "<code>wipe 2 servers</code>" in html
    assert html.index("left out") < html.index("What is wiped, what stays")
    assert Job.objects.count() == 0


def test_a_tick_in_another_tab_is_not_meant_by_a_page_that_did_not_show_it(
    browser: Client, project: Project, servers: list[Server]
) -> None:
    address = chosen(browser, servers)
    values = filled_in(browser, address)
    chosen(browser, plain_servers(project)[3:4])
    assert browser.post(address, values).status_code == 303
    assert Job.objects.count() == 3


def test_one_server_has_its_own_form(browser: Client, requester: User, servers: list[Server]) -> None:
    address = chosen(browser, servers[:2])
    protection.protect_server(
        actor=actor_for(requester), now=now(), server_id=servers[1].pk, reason="the till"
    )
    answer = browser.get(address, follow=True)
    assert answer.redirect_chain == [(f"/servers/{servers[0].pk}/reinstall/", 303)]
    assert f"{servers[1].name} is left out:" in answer.content.decode()
    Server.objects.filter(pk=servers[0].pk).update(locked=True)
    assert "None of these can be reinstalled" in browser.get(address).content.decode()


def test_the_checks_as_fragments(browser: Client, servers: list[Server]) -> None:
    address = chosen(browser, servers)
    values = filled_in(browser, address)
    html = browser.post(address.replace("/new/", "/check/"), values).json()["html"]
    assert "of 3 servers are passed" in html["checks"]
    assert "os-reinstall" in html["preview"]


def test_the_list_with_a_selection_takes_as_many_queries_for_one_as_for_many(
    browser: Client, project: Project, servers: list[Server]
) -> None:
    Server.objects.exclude(pk=servers[0].pk).update(gone_at=now())
    chosen(browser, servers[:1])

    def more() -> None:
        ids = [str(a_server(project).pk) for _ in range(49)]
        Selection.objects.update(server_ids=[str(servers[0].pk), *ids])

    query_ledger.holds("GET /servers/ with a selection", lambda: browser.get("/servers/"), more)


def test_servers_of_which_one_runs_are_stopped_first_unless_somebody_says_otherwise(
    browser: Client, servers: list[Server]
) -> None:
    pks = [server.pk for server in servers]
    Server.objects.filter(pk__in=pks).update(status="SHUTOFF")
    page = chosen(browser, servers)
    off = re.compile(r'name="mode" value=""[^>]* checked')
    first = re.compile(r'name="mode" value="withStopServer"[^>]* checked')
    assert off.search(browser.get(page).content.decode())
    Server.objects.filter(pk=pks[-1]).update(status="ACTIVE")
    assert first.search(browser.get(page).content.decode())
