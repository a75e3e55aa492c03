"""The audit history over REST: its filters, and F73: what cannot be recorded is not done."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import AuditEvent, IdempotencyKey, Job, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, problem_of
from tests.reinstall.api.test_orders import KEY, body_for
from tests.reinstall.rows import T0, a_project, an_event
from tests.reinstall.unrecorded import audit_log_full

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("actor=carol", ["second"]),
        ("action=order.cancelled", ["second"]),
        ("object_type=server", ["third"]),
        ("object_type=order&object_id=1", ["second", "first"]),
        ("project=shop&object_type=order", ["second", "first"]),
        ("project=other", []),
        ("source=token&actor=carol", ["second"]),
        ("since=2026-01-04T00:00:00Z&until=2026-01-06T00:00:00Z", ["second"]),
    ],
)
def test_the_filters_are_those_of_the_page(query: str, shown: list[str], call: Caller, shop: Project) -> None:
    a_project("other")
    rows: list[dict[str, Any]] = [
        {"object_label": "first"},
        {
            "object_label": "second", "actor_name": "carol", "source": "token", "token_name": "ci",
            "action": "order.cancelled", "at": T0 + timedelta(days=2),
        },
        {"object_label": "third", "object_type": "server", "object_id": "abc"},
    ]  # fmt: skip
    for row in rows:
        an_event(project_slug="shop", **row)
    an_event(project_slug="other", object_label="foreign", actor_name="carol", source="token")
    found = call.get(f"audit/?{query}").json()["results"]
    assert [entry["object_label"] for entry in found] == shown


def test_F73_an_order_is_refused_when_its_entry_cannot_be_written(
    requester: User, server: Server, simulator: RunningSimulator
) -> None:
    caller = Caller(a_token(requester))
    with audit_log_full():
        document = problem_of(caller.post("orders/", body_for(server), **KEY), 503)
    assert document["type"] == "urn:ecsportal:problem:not-recorded"
    assert "could not be written" in document["detail"] and "was not done" in document["detail"]
    assert not Job.objects.exists() and not simulator.accepted()
    assert not AuditEvent.objects.filter(action__startswith="order.").exists()
    # The key is free again: the same request goes through once entries can be written.
    assert caller.post("orders/", body_for(server), **KEY).status_code == 201
    assert IdempotencyKey.objects.count() == Job.objects.count() == 1
