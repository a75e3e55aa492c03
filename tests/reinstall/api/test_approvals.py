"""REST: tools read what waits, people decide."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.domain.actors import Actor
from reinstall.models import Approval, Membership, Order, Project, Server
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.api.test_orders import body_for
from tests.reinstall.api.test_settle import Session
from tests.reinstall.services.test_approving import asked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_everywhere(settings: Any) -> None:
    settings.SECOND_PERSON = "always"


@pytest.fixture
def order(actor: Actor, server: Server) -> Order:
    return asked(actor, server)


@pytest.fixture
def approver(project: Project) -> User:
    person = User.objects.create_user("bob")
    Membership.objects.create(user=person, project=project, role="approver")
    return person


def path_of(order: Order, act: str = "") -> str:
    return f"approvals/{Approval.objects.get(order=order).pk}/{act}"


def body(order: Order, decision: str = "approve", **more: str) -> dict[str, str]:
    return {"decision": decision, "request_hash": order.request_hash} | more


def test_a_tool_sees_that_its_order_waits(order: Order, requester: User) -> None:
    caller = Caller(a_token(requester))
    (item,) = caller.get("approvals/").json()["results"]
    assert (item["state"], item["order"], item["requested_by"]) == ("open", order.pk, "alice")
    assert item["decisions"] == [] and item["request_hash"] == order.request_hash
    assert caller.get(f"orders/{order.pk}/").json()["state"] == "awaiting_approval"
    job = caller.get(f"jobs/{order.jobs.get().pk}/").json()
    assert (job["state"], job["approved_by"]) == ("awaiting_approval", "")
    assert caller.get("approvals/?state=ended").json()["results"] == []
    assert fields_of(caller.get("approvals/?state=maybe")) == {"state"}


def test_tokens_cannot_approve_not_even_of_an_approver(order: Order, approver: User) -> None:
    caller = Caller(a_token(approver))
    problem = problem_of(caller.post(path_of(order, "decide/"), body(order)), 403)
    assert "A token cannot decide" in problem["detail"]
    assert Approval.objects.get(order=order).end == ""


def test_a_person_approves_over_rest(order: Order, approver: User) -> None:
    session = Session(approver)
    answer = session.post(path_of(order, "decide/"), body(order, reason="Fine"))
    assert answer.status_code == 200, answer.content
    assert (answer.json()["state"], answer.json()["ended_by"]) == ("approved", "bob")
    job = session.get(f"jobs/{order.jobs.get().pk}/").json()
    assert (job["state"], job["approved_by"]) == ("queued", "bob")
    again = problem_of(session.post(path_of(order, "decide/"), body(order)), 409)
    assert again["type"].endswith(":not-open") and "approved by bob" in again["detail"]


def test_what_is_wrong_is_named(order: Order, approver: User) -> None:
    session = Session(approver)
    post = lambda said: session.post(path_of(order, "decide/"), said)  # noqa: E731
    assert fields_of(post({})) == {"decision", "request_hash"}
    assert fields_of(post(body(order, "perhaps"))) == {"decision"}
    assert fields_of(post(body(order, "decline"))) == {"reason"}
    assert fields_of(post(body(order) | {"approved_by": "bob"})) == {"approved_by"}
    stale = problem_of(post(body(order) | {"request_hash": "0" * 64}), 409)
    assert stale["type"].endswith(":stale")


def test_the_requester_gets_a_no(order: Order, requester: User) -> None:
    session = Session(requester)
    problem = problem_of(session.post(path_of(order, "decide/"), body(order)), 403)
    assert "You asked for it yourself" in problem["detail"]


def test_a_dry_run_tells_that_it_will_wait(requester: User, approver: User, server: Server) -> None:
    answer = Caller(a_token(requester)).post("orders/", body_for(server) | {"dry_run": True})
    assert answer.status_code == 200, answer.content
    found = {check["name"]: check["sentence"] for check in answer.json()["checks"]}
    assert found["approval"] == "Nothing is sent until an approver agrees: bob."
