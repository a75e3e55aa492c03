"""The login section of the form: what this cloud takes, and a password that no page ever holds."""

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from reinstall.models import AuditEvent, Job, Order, Server
from reinstall.services import requests
from tests.reinstall.web.conftest import filled_in, form_address

pytestmark = pytest.mark.django_db

PASSWORD = "Canary/Pass=1"
WITH_PASSWORD = {"login": "password", "adminpass": PASSWORD}


def page_of(browser: Client, server: Server, **changes: Any) -> str:
    answer = browser.post(form_address(server), filled_in(browser, server, **changes))
    assert answer.status_code == 200
    return str(answer.content.decode())


def on_cloud(server: Server, profile: str) -> None:
    cloud = server.project.cloud
    cloud.profile = profile
    cloud.save()


def values_of(html: str) -> list[str]:
    return re.findall(r'name="login" value="(\w+)"', html)


def error_beside(html: str, field: str) -> str:
    found = re.search(rf'id="{field}-error">.*?Error: </span>(.*?)</span>', html, re.S)
    return found.group(1) if found else ""


@pytest.mark.parametrize(
    ("profile", "offered", "reasons"),
    [
        ("huawei", ["keypair", "password", "script"], []),
        ("flexible-engine", ["keypair", "password"], ["Not documented as the only login data"]),
        ("otc", [], ["documents no password for a reinstall", "does not document it as the only login"]),
    ],
)
def test_only_what_this_cloud_takes_is_offered_and_the_rest_has_its_reason(
    profile: str, offered: list[str], reasons: list[str], browser: Client, server: Server
) -> None:
    on_cloud(server, profile)
    html = browser.get(form_address(server)).content.decode()
    assert values_of(html) == offered
    assert ('name="adminpass"' in html) == ("password" in offered)
    assert [reason for reason in reasons if reason not in html] == []


def test_the_field_is_write_only(browser: Client, server: Server) -> None:
    html = browser.get(form_address(server)).content.decode()
    field = re.search(r"<input[^>]*name=\"adminpass\"[^>]*>", html)
    assert field and 'type="password"' in field.group() and 'autocomplete="new-password"' in field.group()


def test_a_password_is_placed_and_the_key_pair_left_in_the_form_is_not(
    browser: Client, server: Server
) -> None:
    answer = browser.post(form_address(server), filled_in(browser, server, **WITH_PASSWORD))
    assert answer.status_code == 303
    order = Order.objects.get()
    assert (order.keyname, order.userid, order.password_set) == ("", "", True)
    assert requests.password_of(order) == PASSWORD
    page = browser.get(answer["Location"]).content.decode()
    assert PASSWORD not in page
    assert all(PASSWORD not in f"{e.after}{e.before}{e.note}" for e in AuditEvent.objects.all())


def test_a_password_that_is_not_chosen_any_more_is_not_sent(browser: Client, server: Server) -> None:
    form = filled_in(browser, server, login="keypair", adminpass=PASSWORD)
    assert browser.post(form_address(server), form).status_code == 303
    assert Order.objects.get().password_set is False


@pytest.mark.parametrize("changes", [{"confirm": "wrong"}, {"action": "check"}, {"encrypted": "2"}])
def test_a_page_that_comes_back_says_that_it_does_not_hold_it(
    changes: dict[str, str], browser: Client, server: Server
) -> None:
    html = page_of(browser, server, **WITH_PASSWORD, **changes)
    assert PASSWORD not in html and "Canary" not in html
    assert "Type the password again" in error_beside(html, "id_adminpass")
    assert not Job.objects.exists()


def test_a_wrong_password_is_told_beside_its_field_and_not_repeated(browser: Client, server: Server) -> None:
    html = page_of(browser, server, login="password", adminpass="canary-only")
    assert "at least three kinds" in error_beside(html, "id_adminpass") and "canary-only" not in html


def test_a_missing_login_is_told_beside_the_field_of_the_one_chosen(browser: Client, server: Server) -> None:
    html = page_of(browser, server, login="password", adminpass="")
    assert "Type the password" in error_beside(html, "id_adminpass")
    assert error_beside(html, "id_keyname") == ""
    html = page_of(browser, server, login="script")
    assert "that sets up the login" in error_beside(html, "id_user_data")
    html = page_of(browser, server, login="keypair", keyname="")
    assert "or set a password" in error_beside(html, "id_keyname")
    html = page_of(browser, server, login="nothing")
    assert "The login is keypair, password or script." in html and not Job.objects.exists()


def test_a_script_alone_is_placed_where_the_cloud_takes_it(browser: Client, server: Server) -> None:
    script = {"login": "script", "user_data_source": "write", "user_data": "#!/bin/sh\n"}
    assert browser.post(form_address(server), filled_in(browser, server, **script)).status_code == 303
    order = Order.objects.get()
    assert (order.keyname, order.userid, order.password_set) == ("", "", False)


def test_the_live_check_takes_a_password_and_shows_none(browser: Client, server: Server) -> None:
    form = filled_in(browser, server, **WITH_PASSWORD)
    answer = browser.post(f"{form_address(server)}check/", form)
    assert answer.status_code == 200
    assert PASSWORD not in answer.content.decode() and "hidden" in answer.json()["html"]["preview"]


def test_a_form_kept_while_signed_out_holds_no_password(browser: Client, server: Server) -> None:
    form = filled_in(browser, server, **WITH_PASSWORD)
    outside = Client()
    assert outside.post(form_address(server), form).status_code == 302
    kept = [session.get_decoded().get("draft") for session in Session.objects.all()]
    assert len([draft for draft in kept if draft]) == 1
    outside.post("/sign-in/", {"username": "alice", "password": "correct horse battery"})
    html = outside.get(form_address(server)).content.decode()
    assert "You were signed out before this form was sent" in html
    assert "Type the password again" in error_beside(html, "id_adminpass") and PASSWORD not in html


SCRIPT = {"user_data_source": "write", "user_data": "#!/bin/sh\nuseradd ops\n"}
NO_KEY = "Choose the key pair that signs in after the reinstall, or another login."


def test_a_script_is_no_login_while_a_key_pair_is_what_was_chosen(browser: Client, server: Server) -> None:
    html = page_of(browser, server, login="keypair", keyname="", userid="", **SCRIPT)
    assert error_beside(html, "id_keyname") == NO_KEY
    assert not Order.objects.exists()
    checked = browser.post(
        f"{form_address(server)}check/",
        filled_in(browser, server, login="keypair", keyname="", userid="", **SCRIPT),
    ).json()["html"]
    assert checked["checks"].count("Choose the key pair") == 1 and NO_KEY in checked["checks"]
    assert "Server found, state ACTIVE." in checked["checks"]


def test_a_script_is_a_login_where_that_was_chosen(browser: Client, server: Server) -> None:
    values = filled_in(browser, server, login="script", keyname="", userid="", **SCRIPT)
    assert browser.post(form_address(server), values).status_code == 303
    assert Order.objects.get().keyname == ""


def test_on_a_cloud_without_that_login_the_missing_key_pair_is_said_once(
    browser: Client, server: Server
) -> None:
    on_cloud(server, "flexible-engine")
    html = page_of(browser, server, login="keypair", keyname="", userid="", mode="", **SCRIPT)
    assert html.count(NO_KEY) == 3 and "or set a password" not in html
