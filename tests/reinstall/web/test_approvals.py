"""The second person on screen: the inbox, the page of one, what it says to whom."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reinstall.domain.actors import Actor
from reinstall.domain.states import JobState
from reinstall.models import Approval, Job, Membership, Order, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.conftest import free_servers
from tests.reinstall.services.test_approving import asked
from tests.reinstall.signing import code_of, proved, signed_in, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_everywhere(settings: Any) -> None:
    settings.SECOND_PERSON = "always"


@pytest.fixture
def order(actor: Actor, server: Server) -> Order:
    return asked(actor, server)


def client_of(project: Project, name: str, role: str) -> Client:
    person = User.objects.create_user(name)
    Membership.objects.create(user=person, project=project, role=role)
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def bob(project: Project) -> Client:
    return client_of(project, "bob", "approver")


@pytest.fixture
def alice(requester: User) -> Client:
    client = Client()
    client.force_login(requester)
    return client


def test_agreeing_in_production_wants_a_fresh_second_factor(
    policy: str, order: Order, project: Project, simulator: RunningSimulator
) -> None:
    Project.objects.update(environment="production")
    person = User.objects.create_user("carol")
    Membership.objects.create(user=person, project=project, role="approver")
    secret, _ = with_app(person)
    client = signed_in(person, second_factor=False)
    assert decide(client, order, "approve").status_code == 403
    proved(client, proved_at=timezone.now() - timedelta(minutes=6))
    address = f"/approvals/{Approval.objects.get().pk}/decide/"
    answer = decide(client, order, "approve", reason="looks right")
    assert answer["Location"] == f"/sign-in/again/?next={address}"
    client.post("/sign-in/again/", {"code": code_of(secret), "next": address})
    html = client.get(address).content.decode()
    assert "Who you are was asked first." in html
    assert "looks right" in html
    assert Approval.objects.get().end == ""
    assert decide(client, order, "decline", reason="not now").status_code == 303


def page_of(client: Client, order: Order) -> str:
    answer = client.get(f"/approvals/{Approval.objects.get(order=order).pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def decide(client: Client, order: Order, decision: str, **fields: str) -> Any:
    values = {"decision": decision, "request_hash": order.request_hash} | fields
    return client.post(f"/approvals/{Approval.objects.get(order=order).pk}/decide/", values)


def test_the_form_says_that_it_asks(alice: Client, server: Server) -> None:
    html = alice.get(f"/servers/{server.pk}/reinstall/").content.decode()
    assert f"Ask for approval to wipe {server.name}" in html
    assert "Nothing is sent to the cloud until an approver agrees." in html
    assert "nobody but you may approve in shop-prod" in html


def test_the_form_names_who_could_agree(alice: Client, bob: Client, server: Server) -> None:
    html = alice.get(f"/servers/{server.pk}/reinstall/").content.decode()
    assert "Nothing is sent until an approver agrees: bob." in html


def test_the_inbox_and_the_count_beside_it(order: Order, bob: Client, alice: Client, server: Server) -> None:
    html = bob.get("/approvals/").content.decode()
    assert f"Reinstall {server.name}" in html and "OPS-4417" in html
    assert html.count('1<span class="sr"> to decide</span>') == 2
    mine = alice.get("/approvals/").content.decode()
    assert "yours" in mine and "to decide" not in mine
    assert "Nothing was decided yet" in bob.get("/approvals/?tab=ended").content.decode()
    assert bob.get("/approvals/?tab=nonsense").status_code == 400


def test_an_approver_sees_what_the_requester_saw_and_agrees(
    order: Order, bob: Client, server: Server, simulator: RunningSimulator
) -> None:
    html = page_of(bob, order)
    for disk in server.disks.all():
        assert disk.volume_id in html
    assert "Wiped" in html and "Stays" in html and "/reinstallos" in html
    assert order.request_hash in html and "Asked the cloud just now." in html
    assert f"Approve wiping {server.name}" in html and "Withdraw" not in html
    answer = decide(bob, order, "approve")
    assert answer.status_code == 303
    assert "Approved by bob" in bob.get(answer["Location"]).content.decode()
    assert order.jobs.get().state == JobState.QUEUED and not simulator.accepted()
    job = bob.get(f"/jobs/{order.jobs.get().pk}/").content.decode()
    assert re.search(r'approved by <a href="/approvals/\d+/">bob</a>', job)


def test_the_requester_may_take_it_back_only(order: Order, alice: Client) -> None:
    html = page_of(alice, order)
    assert "Withdraw my request" in html and "Approve wiping" not in html
    refused = decide(alice, order, "approve")
    assert refused.status_code == 403 and b"You asked for it yourself" in refused.content
    assert decide(alice, order, "withdraw").status_code == 303
    assert "Withdrawn by alice" in page_of(alice, order)


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator", "requester"])
def test_others_read_and_are_told_what_they_lack(role: str, order: Order, project: Project) -> None:
    client = client_of(project, "eve", role)
    html = page_of(client, order)
    assert "Approving in shop-prod needs the role approver. An admin of the project gives it." in html
    assert 'name="decision"' not in html
    assert decide(client, order, "approve").status_code == 403


def test_outside_of_the_project_there_is_no_such_page(order: Order) -> None:
    client = Client()
    client.force_login(User.objects.create_user("mallory"))
    assert client.get(f"/approvals/{Approval.objects.get(order=order).pk}/").status_code == 404
    assert decide(client, order, "approve").status_code == 404


def test_a_decline_says_why_or_comes_back(order: Order, bob: Client) -> None:
    again = decide(bob, order, "decline")
    assert again.status_code == 200 and b"Say why, so that it can be asked for better." in again.content
    assert decide(bob, order, "decline", reason="Not on a Friday").status_code == 303
    html = page_of(bob, order)
    assert "Declined by bob" in html and "Not on a Friday" in html


def test_F65_another_request_than_was_shown_is_not_agreed_to(order: Order, bob: Client) -> None:
    again = decide(bob, order, "approve", request_hash="0" * 64)
    assert again.status_code == 200 and b"What you were shown is not what is asked for now." in again.content
    assert order.jobs.get().state == JobState.AWAITING_APPROVAL


def test_F65_two_approvers_the_second_is_told(order: Order, bob: Client, project: Project) -> None:
    carol = client_of(project, "carol", "approver")
    assert decide(bob, order, "approve").status_code == 303
    again = decide(carol, order, "decline", reason="No")
    assert b"It was approved by bob already. Your answer was not used." in again.content


def test_a_changed_server_is_told_and_ends_it(
    order: Order, bob: Client, server: Server, simulator: RunningSimulator
) -> None:
    simulator.world.servers[str(server.pk)].name = "renamed"
    assert "It is not what was asked for any more" in page_of(bob, order)
    again = decide(bob, order, "approve")
    assert again.status_code == 200 and b"was ended" in again.content
    assert "It counts no more: something changed" in page_of(bob, order)
    job = bob.get(f"/jobs/{order.jobs.get().pk}/").content.decode()
    assert "renamed" in job and not simulator.accepted()


def test_many_servers_are_listed_with_their_checks_summed(
    actor: Actor, project: Project, bob: Client
) -> None:
    servers = free_servers(project)
    order = asked(actor, *servers)
    html = page_of(bob, order)
    assert all(server.name in html for server in servers)
    assert f"checks of {len(servers)} servers are passed." in html
    assert f"Approve wiping {len(servers)} servers" in html


def test_two_admins_override_on_screen(order: Order, project: Project) -> None:
    ann, ben = client_of(project, "ann", "admin"), client_of(project, "ben", "admin")
    assert "Begin an emergency override" in page_of(ann, order)
    assert b"Say what the emergency is." in decide(ann, order, "override").content
    assert decide(ann, order, "override", reason="Shop is down").status_code == 303
    assert "ann has begun an emergency override" in page_of(ben, order)
    assert decide(ben, order, "override", reason="Agreed").status_code == 303
    html = page_of(ann, order)
    assert "Sent by emergency override of ann and ben" in html and "Shop is down" in html
    job = Job.objects.get(order=order)
    assert "ann and ben (emergency override)" in ann.get(f"/jobs/{job.pk}/").content.decode()


def test_the_job_says_whom_it_waits_for(order: Order, alice: Client) -> None:
    html = alice.get(f"/jobs/{order.jobs.get().pk}/").content.decode()
    assert "Waiting for approval" in html and "Open the approval" in html
