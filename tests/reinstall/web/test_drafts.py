"""A session that ends while a form is filled in: nothing is sent, nothing typed is lost or seen by others."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from reinstall.models import Job, Membership, Order, Server
from reinstall.services.sessions import forget_ended_sessions
from reinstall.tasks import tidy
from reinstall.web import drafts
from simulator.server import RunningSimulator
from tests.reinstall.conftest import free_servers
from tests.reinstall.web import test_many as many
from tests.reinstall.web.conftest import filled_in, form_address, once_of

pytestmark = pytest.mark.django_db

SCRIPT = "#!/bin/sh\necho do-not-lose-me <b>\n"
SIGN_IN = {"username": "alice", "password": "correct horse battery"}


def typed(browser: Client, server: Server, **changes: Any) -> dict[str, Any]:
    """A form of alice's with a script, ready to be sent."""
    return filled_in(browser, server, user_data_source="write", user_data=SCRIPT, reason="OPS-77", **changes)


def session_ends(browser: Client) -> None:
    """As after twelve hours, or a restart that lost the sessions. The browser still has its cookies."""
    Session.objects.all().delete()


def signed_in_again(browser: Client, address: str, **said: str) -> str:
    """The page a person lands on after the sign-in page."""
    answer = browser.post("/sign-in/", {**SIGN_IN, "next": address, **said})
    assert answer.status_code == 302
    return browser.get(answer["Location"]).content.decode()


def nothing_was_sent(simulator: RunningSimulator) -> None:
    assert Order.objects.count() == Job.objects.count() == 0
    assert simulator.accepted() == []


def test_f66_what_was_typed_is_there_after_signing_in_and_nothing_was_sent(
    browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    data, address = typed(browser, server), form_address(server)
    session_ends(browser)
    answer = browser.post(address, data)
    assert answer["Location"] == f"/sign-in/?next={address}"
    assert b"Nothing you typed is lost, and nothing was sent." in browser.get(answer["Location"]).content
    page = signed_in_again(browser, address)
    assert "You were signed out before this form was sent. Nothing was sent." in page
    assert "echo do-not-lose-me &lt;b&gt;" in page
    assert 'value="OPS-77"' in page
    assert f'name="confirm" value="{server.name}"' not in page, "the name is typed anew"
    nothing_was_sent(simulator)
    assert once_of(page) != data["once"]
    again = browser.post(address, data | {"once": once_of(page)})
    assert again["Location"] == f"/jobs/{Job.objects.get().pk}/"
    assert "do-not-lose-me" not in browser.get(address).content.decode(), "it was sent, it is not kept"


def test_f66_the_old_form_itself_places_nothing_after_signing_in(
    browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    data, address = typed(browser, server), form_address(server)
    session_ends(browser)
    browser.post(address, data)
    signed_in_again(browser, address)
    assert b"Nothing was sent" in browser.post(address, data).content
    nothing_was_sent(simulator)


def test_f66_nobody_else_gets_to_see_it(browser: Client, server: Server, simulator: RunningSimulator) -> None:
    bob = User.objects.create_user("bob", password=SIGN_IN["password"])
    Membership.objects.create(user=bob, project=server.project, role=Membership.Role.REQUESTER)
    data, address = typed(browser, server), form_address(server)
    session_ends(browser)
    browser.post(address, data)
    assert "do-not-lose-me" not in signed_in_again(browser, address, username="bob")
    assert not drafts.waits(type("R", (), {"session": browser.session})())
    browser.post("/sign-out/")
    assert "do-not-lose-me" not in signed_in_again(browser, address)
    nothing_was_sent(simulator)


def test_f66_another_server_has_a_form_of_its_own(browser: Client, server: Server) -> None:
    other = free_servers(server.project)[1]
    data = typed(browser, server)
    session_ends(browser)
    browser.post(form_address(server), data)
    assert "do-not-lose-me" not in signed_in_again(browser, form_address(other))
    assert "do-not-lose-me" in browser.get(form_address(server)).content.decode()


@pytest.mark.parametrize("key", ["", "forged:key", "of another server"])
def test_f66_without_a_key_of_ours_nothing_is_kept(key: str, browser: Client, server: Server) -> None:
    if key == "of another server":
        key = filled_in(browser, free_servers(server.project)[1])["once"]
    data = typed(browser, server, once=key)
    session_ends(browser)
    browser.post(form_address(server), data)
    assert not Session.objects.exists(), "nobody fills the database without an account"


def test_f66_it_is_kept_sealed_and_for_half_an_hour(browser: Client, server: Server) -> None:
    data = typed(browser, server)
    session_ends(browser)
    browser.post(form_address(server), data)
    row = Session.objects.get()
    assert "do-not-lose-me" not in str(row.get_decoded())
    assert row.expire_date - timezone.now() <= timedelta(minutes=30)
    assert forget_ended_sessions(now=timezone.now() + timedelta(minutes=29)) == 0
    signed_in_again(browser, form_address(server))
    kept = Session.objects.get()
    assert kept.get_decoded()["_session_expiry"] == 1800, "a session of a person lives as others do"
    session = browser.session
    session["draft"] = session["draft"] | {"until": timezone.now().isoformat()}
    session.save()
    assert "do-not-lose-me" not in browser.get(form_address(server)).content.decode()
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    tidy()
    assert not Session.objects.exists()


def test_f66_a_form_that_belongs_to_no_reinstall_is_not_kept(browser: Client) -> None:
    session_ends(browser)
    answer = browser.post("/settings/tokens/", {"name": "x", "once": "y"})
    assert answer["Location"] == "/sign-in/?next=/settings/tokens/"
    assert not Session.objects.exists()


def test_f66_the_form_for_many_is_kept_as_well(
    browser: Client, server: Server, simulator: RunningSimulator
) -> None:
    address = many.chosen(browser, many.plain_servers(server.project)[:2])
    data = many.filled_in(
        browser,
        address,
        user_data_source="write",
        user_data=SCRIPT,
        reason="OPS-77",
        confirm="wipe 2 servers",
    )
    session_ends(browser)
    answer = browser.post(address, data)
    assert answer["Location"] == f"/sign-in/?{urlencode({'next': address}, safe='/')}"
    page = signed_in_again(browser, address)
    assert "You were signed out before this form was sent. Nothing was sent." in page
    assert "echo do-not-lose-me &lt;b&gt;" in page and 'value="OPS-77"' in page
    assert 'name="confirm" value="wipe 2 servers"' not in page
    nothing_was_sent(simulator)
    again = many.filled_in(browser, address, confirm="wipe 2 servers")
    assert browser.post(address, again)["Location"].startswith("/jobs/?order=")
    assert "do-not-lose-me" not in browser.get(address).content.decode()


@pytest.mark.parametrize("query", ["", "?selection=x", "?selection=00000000-0000-0000-0000-000000000001"])
def test_f66_a_form_for_a_selection_that_is_none_is_not_kept(
    query: str, browser: Client, server: Server
) -> None:
    data = typed(browser, server)
    session_ends(browser)
    browser.post(f"/reinstalls/new/{query}", data)
    assert not Session.objects.exists()
