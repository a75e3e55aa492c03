"""A form of an earlier sign-in: what was typed is shown again and nothing is placed."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.models import Order, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.web import test_many as many

pytestmark = pytest.mark.django_db

TYPED = {
    "keyname": "KeyPair-350b",
    "userid": "a" * 32,
    "mode": "withStopServer",
    "reason": "OPS-4417 typed for an hour",
    "user_data_source": "write",
    "user_data": "#!/bin/sh\necho do-not-lose-me\n",
    "csrfmiddlewaretoken": "x" * 64,
    "action": "place",
}


@pytest.fixture
def strict(requester: User) -> Client:
    """alice, at a browser whose forms are checked."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(requester)
    return client


def test_what_was_typed_is_shown_again_and_nothing_is_sent(
    strict: Client, server: Server, simulator: RunningSimulator
) -> None:
    address = f"/servers/{server.pk}/reinstall/"
    answer = strict.post(address, TYPED | {"confirm": server.name}, headers={"Origin": "http://testserver"})
    page = answer.content.decode()
    assert "You signed in anew since this form was opened. Nothing was sent." in page
    assert "do-not-lose-me" in page
    assert "OPS-4417 typed for an hour" in page
    assert f'name="confirm" value="{server.name}"' not in page
    assert Order.objects.count() == 0
    assert simulator.accepted() == []


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", None])
def test_a_form_another_site_filled_in_is_never_shown_as_theirs(
    origin: str | None, strict: Client, server: Server
) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = strict.post(
        f"/servers/{server.pk}/reinstall/", TYPED | {"confirm": server.name}, headers=headers
    )
    assert answer.status_code == 403
    assert "do-not-lose-me" not in answer.content.decode()
    assert Order.objects.count() == 0


def test_signed_out_the_form_leads_to_the_sign_in_page(server: Server) -> None:
    client = Client(enforce_csrf_checks=True)
    address = f"/servers/{server.pk}/reinstall/"
    answer = client.post(address, TYPED | {"confirm": server.name}, headers={"Origin": "http://testserver"})
    assert answer.status_code == 403
    assert "do-not-lose-me" not in answer.content.decode()


def test_the_form_for_many_is_shown_again_as_well(
    browser: Client, strict: Client, server: Server, simulator: RunningSimulator
) -> None:
    address = many.chosen(browser, many.plain_servers(server.project)[:2])
    data = many.filled_in(browser, address, **TYPED, confirm="wipe 2 servers")
    answer = strict.post(address, data, headers={"Origin": "http://testserver"})
    page = answer.content.decode()
    assert "You signed in anew since this form was opened. Nothing was sent." in page
    assert "do-not-lose-me" in page and 'name="confirm" value="wipe 2 servers"' not in page
    assert Order.objects.count() == 0 and simulator.accepted() == []
    assert strict.post(address, data, headers={"Origin": "https://elsewhere.example"}).status_code == 403


OWN = {"Origin": "http://testserver"}
SIGNED_ANEW = "You signed in anew since this form was opened. Nothing was saved."


@pytest.fixture
def chief(project: Project) -> Client:
    """root, who adds clouds, at a browser whose forms are checked."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_a_cloud_that_was_typed_in_is_shown_again_without_its_secrets(chief: Client) -> None:
    typed = {"name": "shop-new", "credentials.kind": "aksk", "credentials.secret_key": "s3cret-canary"}
    page = chief.post("/clouds/new/", typed, headers=OWN).content.decode()
    assert SIGNED_ANEW in page and 'value="shop-new"' in page and "s3cret-canary" not in page
    assert not Project.objects.filter(slug="shop-new").exists()


@pytest.mark.parametrize(
    ("address", "typed", "shown"),
    [
        ("", {"name": "another name", "environment": "staging", "version": "1"}, "another name"),
        (
            "credentials/",
            {
                "credentials.kind": "aksk",
                "credentials.access_key": "AK-9",
                "credentials.secret_key": "s3cret",
            },
            "AK-9",
        ),
    ],
)
def test_a_change_of_a_cloud_is_shown_again_and_not_made(
    address: str, typed: dict[str, str], shown: str, chief: Client, project: Project
) -> None:
    answer = chief.post(f"/clouds/{project.slug}/{address}", typed, headers=OWN)
    page = answer.content.decode()
    assert SIGNED_ANEW in page and f'value="{shown}"' in page and "s3cret" not in page
    before = (project.name, project.environment, project.credential_version)
    project.refresh_from_db()
    assert (project.name, project.environment, project.credential_version) == before
    assert chief.post(f"/clouds/{project.slug}/{address}", typed).status_code == 403


def test_a_viewer_of_a_cloud_is_refused_as_ever(strict: Client, project: Project) -> None:
    assert strict.post("/clouds/new/", {"name": "x"}, headers=OWN).status_code == 403
