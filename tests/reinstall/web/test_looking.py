"""While something is still missing, a form shows every check that does not rest on it, and no request."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.models import Job, KeyPair, Project, Server
from reinstall.services.orders import preview_incomplete
from simulator.server import RunningSimulator
from tests.reinstall.conftest import order_request, placed_job
from tests.reinstall.web.conftest import filled_in, form_address
from tests.reinstall.web.test_many import chosen, plain_servers

pytestmark = pytest.mark.django_db

NEEDED = "Still needed before the rest can be checked:"
LOGIN = {"keyname": "", "userid": ""}


def checks_of(browser: Client, server: Server, **changes: Any) -> dict[str, str]:
    values = filled_in(browser, server, action="check", **changes)
    html: dict[str, str] = browser.post(f"{form_address(server)}check/", values).json()["html"]
    return html


def test_without_a_login_the_server_is_checked_at_the_cloud(
    browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    Server.objects.filter(pk=server.pk).update(keyname="", image_name="stale")
    KeyPair.objects.filter(project=server.project, name=server.keyname).delete()
    html = browser.get(form_address(server)).content.decode()
    assert NEEDED in html and "Choose the key pair that signs in after the reinstall" in html
    for sentence in (
        "Server found",
        "No other job holds this server.",
        "One system disk attached",
        "napshot",
    ):
        assert sentence in html, sentence
    assert "Asked the cloud just now." in html
    assert "os-reinstall" not in html and "once nothing is missing" in html
    assert Job.objects.count() == 0 and simulator.accepted() == []


def test_what_must_be_fixed_is_told_before_a_login_is_chosen(
    browser: Client, server: Server, actor: Actor
) -> None:
    values = filled_in(browser, server, action="check", **LOGIN)
    job = placed_job(actor, server)
    Server.objects.filter(pk=server.pk).update(protected_reason="the till", protected_by_name="bob")
    html = browser.post(f"{form_address(server)}check/", values).json()["html"]["checks"]
    assert NEEDED in html
    assert f"held by job #{job.pk}" in html and "is protected by bob" in html


def test_one_missing_field_hides_nothing_of_the_others(browser: Client, server: Server) -> None:
    html = checks_of(browser, server, encrypted="1", cmkid="")
    assert "Choose the KMS key" in html["checks"] and "os-reinstall" not in html["preview"]
    assert re.search(r'<li class="ok">.*[Kk]ey pair', html["checks"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"byol": "maybe"}, "byol is true or false."),
        ({"user_data_source": "upload"}, "Choose the script file, or choose None."),
        ({"login": "nonsense"}, "The login is keypair, password or script."),
    ],
)
def test_a_value_that_says_nothing_leaves_the_checks_of_the_server(
    changes: dict[str, str], sentence: str, browser: Client, server: Server
) -> None:
    html = checks_of(browser, server, **changes)
    assert sentence in html["checks"] and "One system disk attached" in html["checks"]
    assert "os-reinstall" not in html["preview"]


@pytest.mark.parametrize(
    ("asked", "refused", "gone"),
    [
        ({"mode": "nonsense"}, {"mode"}, "running"),
        ({"keyname": "no such key", "userid": ""}, {"userid"}, "key_pair"),
        ({"encrypted": None}, {"encrypted"}, "encryption_lost"),
        ({"cmkid": "not an id", "encrypted": True}, {"cmkid"}, "kms_key"),
        ({"user_data": b"\xff\xfe"}, {"user_data"}, "user_data"),
    ],
)
def test_a_check_that_rests_on_a_refused_field_is_left_out(
    asked: dict[str, Any], refused: set[str], gone: str, actor: Actor, server: Server, settings: Any
) -> None:
    settings.FORM_WAIT_S = 0
    server.disks.filter(boot_index=0).update(encrypted=True, cmkid="83cdb52d-9ebf-4469-9cfa-e7b5b80da846")
    request = order_request(server, **asked)
    both = [
        {
            check.name
            for check in preview_incomplete(actor=actor, now=now(), request=request, refused=r).checks
        }
        for r in ((), refused)
    ]
    assert gone in both[0] and gone not in both[1]
    assert {"server", "held", "system_disk"} <= both[1]


def test_many_servers_are_checked_before_a_login_is_chosen(browser: Client, project: Project) -> None:
    servers = plain_servers(project)[:3]
    address = chosen(browser, servers)
    html = browser.get(address).content.decode()
    assert NEEDED in html and "Choose the key pair" in html
    assert "checks of 3 servers are passed." in html and "os-reinstall" not in html
    values = {"login": "keypair", "byol": "false", "action": "check"}
    html = browser.post(address.replace("/new/", "/check/"), values).json()["html"]["checks"]
    assert "checks of 3 servers are passed." in html
    assert servers[1].name in html and "Choose to stop it first" in html
