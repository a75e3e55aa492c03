"""The second step of a sign-in, and the proof asked for again: what it leads to, and what it never does."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.proofs import KEY, Proof
from reinstall.models import ApiToken, AuditEvent, Job, Membership, Order, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.signing import PASSWORD, by_password, code_of, proved, signed_in, with_app
from tests.reinstall.web.conftest import filled_in, form_address, once_of

pytestmark = pytest.mark.django_db


def acts() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_who_has_an_app_is_not_signed_in_by_the_password_alone(user: User) -> None:
    secret, _ = with_app(user)
    client = Client()
    answer = client.post("/sign-in/", {"username": "alice", "password": PASSWORD, "next": "/jobs/"})
    assert answer["Location"] == "/sign-in/code/"
    assert client.get("/jobs/").status_code == 302
    html = client.get("/sign-in/code/").content.decode()
    assert 'autocomplete="one-time-code"' in html
    wrong = client.post("/sign-in/code/", {"code": "000000"}).content.decode()
    assert "This code does not fit." in wrong
    assert client.get("/jobs/").status_code == 302
    answer = client.post("/sign-in/code/", {"code": code_of(secret)})
    assert answer["Location"] == "/jobs/"
    assert client.get("/jobs/").status_code == 200
    assert Proof.of(client.session).second_factor
    entry = AuditEvent.objects.get(action="account.signed_in")
    assert entry.after == {"with": ["password", "totp"]}


def test_a_code_signs_in_once(user: User) -> None:
    secret, _ = with_app(user)
    code = code_of(secret)
    assert by_password(user).post("/sign-in/code/", {"code": code}).status_code == 302
    assert by_password(user).post("/sign-in/code/", {"code": code}).status_code == 200


def test_a_recovery_code_signs_in_once_however_it_is_typed(user: User) -> None:
    _, codes = with_app(user)
    typed = codes[3].replace("-", " ").upper()
    assert by_password(user).post("/sign-in/code/", {"code": typed}).status_code == 302
    assert by_password(user).post("/sign-in/code/", {"code": codes[3]}).status_code == 200
    assert by_password(user).post("/sign-in/code/", {"code": codes[4]}).status_code == 302


def test_the_second_step_is_nobodys_without_the_first_or_after_ten_minutes(user: User) -> None:
    secret, _ = with_app(user)
    assert Client().post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"
    client = by_password(user)
    session = client.session
    session["pending"] = session["pending"] | {"until": timezone.now().isoformat()}
    session.save()
    assert client.post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"
    client = by_password(user)
    User.objects.update(is_active=False)
    assert client.post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"


def test_codes_are_tried_five_times_and_from_no_other_address_either(user: User) -> None:
    secret, _ = with_app(user)
    client = by_password(user)
    for _ in range(5):
        assert b"does not fit" in client.post("/sign-in/code/", {"code": "000000"}).content
    elsewhere = by_password(user, REMOTE_ADDR="192.0.2.9")
    for browser in (client, elsewhere):
        html = browser.post("/sign-in/code/", {"code": code_of(secret)}).content.decode()
        assert "Too many tries. Try again at " in html
        assert browser.get("/jobs/").status_code == 302
    assert acts().count("account.locked") == 1


def test_the_key_of_the_session_changes_with_each_proof(user: User) -> None:
    secret, _ = with_app(user)
    client, keys = Client(), set()
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    keys.add(client.session.session_key)
    client.post("/sign-in/code/", {"code": code_of(secret)})
    keys.add(client.session.session_key)
    answer = client.post("/sign-in/again/", {"code": code_of(secret, later=1), "next": "/jobs/"})
    assert (answer.status_code, answer["Location"]) == (303, "/jobs/")
    keys.add(client.session.session_key)
    assert len(keys) == 3
    assert client.get("/jobs/").status_code == 200
    assert acts()[-1] == "account.proved"


def test_a_proof_never_leads_to_another_site(user: User) -> None:
    client = signed_in(user, second_factor=False)
    said = {"password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/sign-in/again/", said)["Location"] == "/servers/"


def test_who_has_no_second_factor_proves_it_with_the_password(user: User) -> None:
    client = signed_in(user, second_factor=False, proved_at=None)
    assert b"This password does not fit." in client.post("/sign-in/again/", {"password": "x"}).content
    assert Proof.of(client.session).proved_at is None
    client.post("/sign-in/again/", {"password": PASSWORD})
    proof = Proof.of(client.session)
    assert proof.proved_at is not None
    assert not proof.second_factor


def nothing_was_sent(simulator: RunningSimulator) -> None:
    assert Order.objects.count() == Job.objects.count() == 0
    assert simulator.accepted() == []


def production(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(environment="production")


def test_f66_sudo_that_ran_out_keeps_the_form_and_sends_nothing(
    policy: str, requester: User, server: Server, simulator: RunningSimulator
) -> None:
    production(server.project)
    secret, _ = with_app(requester)
    client = signed_in(requester, proved_at=timezone.now() - timedelta(minutes=6))
    address = form_address(server)
    data = filled_in(client, server, user_data_source="write", user_data="#!/bin/sh\necho keep\n")
    answer = client.post(address, data)
    assert (answer.status_code, answer["Location"]) == (303, f"/sign-in/again/?next={address}")
    nothing_was_sent(simulator)
    page = client.get(answer["Location"]).content.decode()
    assert "Nothing was done yet." in page
    back = client.post("/sign-in/again/", {"code": code_of(secret), "next": address})
    assert back["Location"] == address
    html = client.get(address).content.decode()
    assert "Who you are was asked first. Nothing was done yet." in html
    assert "echo keep" in html
    assert f'name="confirm" value="{server.name}"' not in html, "the name is typed anew"
    nothing_was_sent(simulator)
    sent = client.post(address, data | {"once": once_of(html)})
    assert sent["Location"] == f"/jobs/{Job.objects.get().pk}/"
    assert "echo keep" not in client.get(address).content.decode(), "it was sent, it is not kept"


def test_who_has_no_second_factor_is_led_to_one_and_back_to_the_form(
    policy: str, requester: User, server: Server, simulator: RunningSimulator
) -> None:
    production(server.project)
    client = signed_in(requester, second_factor=False)
    address = form_address(server)
    answer = client.post(address, filled_in(client, server, reason="OPS-77"))
    assert answer.status_code == 403
    assert f"/settings/security/app/?next={address}" in answer.content.decode()
    nothing_was_sent(simulator)
    enrol = f"/settings/security/app/?next={address}"
    html = client.get(enrol).content.decode()
    secret = html.split('id="app-secret">')[1].split("<")[0].replace(" ", "")
    codes = client.post(enrol, {"code": code_of(secret), "next": address}).content.decode()
    assert f'href="{address}"' in codes
    assert 'value="OPS-77"' in client.get(address).content.decode()
    nothing_was_sent(simulator)


def test_a_kept_form_is_nobody_elses_and_opens_for_half_an_hour(
    policy: str, requester: User, server: Server
) -> None:
    production(server.project)
    client = signed_in(requester, proved_at=None)
    address = form_address(server)
    client.post(address, filled_in(client, server, reason="OPS-77"))
    assert "OPS-77" not in str(client.session["kept_form"])
    assert "OPS-77" in client.get(address).content.decode()
    assert "OPS-77" not in client.get(f"{address}?selection=other").content.decode()
    session = client.session
    session["kept_form"] = session["kept_form"] | {"until": timezone.now().isoformat()}
    session.save()
    assert "OPS-77" not in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("address", "data", "shown"),
    [
        ("/settings/tokens/", {"name": "ci-tool", "scopes": "read", "days": "30"}, 'value="ci-tool"'),
        ("/manage/health/freeze/", {"on": "1", "reason": "look first"}, 'value="look first"'),
        (
            "/clouds/shop/credentials/",
            {
                "credentials.kind": "aksk",
                "credentials.access_key": "AK-KEEP",
                "credentials.secret_key": "SK-DROP",
            },
            "AK-KEEP",
        ),
    ],
)
def test_every_grave_form_comes_back_as_typed_but_for_secrets(
    policy: str, shop: Project, address: str, data: dict[str, Any], shown: str
) -> None:
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    secret, _ = with_app(boss)
    client = signed_in(boss, proved_at=timezone.now() - timedelta(minutes=6))
    answer = client.post(address, data)
    assert answer["Location"] == f"/sign-in/again/?next={address}"
    assert not ApiToken.objects.exists()
    assert "system.frozen" not in acts()
    client.post("/sign-in/again/", {"code": code_of(secret), "next": address})
    html = client.get(address).content.decode()
    assert shown in html
    assert "Who you are was asked first." in html
    assert "SK-DROP" not in html
    assert not ApiToken.objects.exists()


def test_over_rest_the_answer_says_which_proof_is_missing(policy: str, shop: Project, bob: User) -> None:
    Membership.objects.filter(user=bob).update(role="admin")
    client = signed_in(bob, second_factor=False)
    said = {"name": "x", "scopes": ["read"], "days": 1}
    answer = client.post("/api/v1/tokens/", said, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:ecsportal:problem:needs-second-factor")
    proved(client, proved_at=timezone.now() - timedelta(minutes=6))
    answer = client.post("/api/v1/tokens/", said, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:ecsportal:problem:needs-proof")
    proved(client)
    assert client.post("/api/v1/tokens/", said, content_type="application/json").status_code == 201


def test_a_simulated_portal_works_with_the_password_alone(policy: str, project: Project, user: User) -> None:
    assert project.environment == "simulator"
    client = Client()
    client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert not client.session[KEY]["second_factor"]
    html = client.post("/settings/tokens/", {"name": "x", "scopes": "read", "days": "3"}).content.decode()
    assert "Copy it now." in html
