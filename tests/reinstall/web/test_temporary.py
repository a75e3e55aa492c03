"""A run with a reading in its middle: its helper can be chosen nowhere, a person's new server later."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reinstall.domain.actors import Actor
from reinstall.models import Job, Project, Server
from reinstall.services import inventory
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of
from tests.reinstall.conftest import OPERATOR, Clock, advanced, finished, order_request, placed_job
from tests.reinstall.web.conftest import filled_in

pytestmark = pytest.mark.django_db
SENTENCE = "is a temporary helper of a running reinstall; it vanishes by itself."


def sync(project: Project, clock: Clock) -> None:
    assert inventory.sync_project(actor=OPERATOR, now=clock(), project=project).problems == ()


@pytest.fixture
def job(actor: Actor, server: Server, clock: Clock, simulator: RunningSimulator) -> Job:
    """A job in the middle of its run, when the cloud has made a helper server for it."""
    running = advanced(placed_job(actor, server), clock)
    assert running.state == "running"
    simulator.advance(40)
    return running


@pytest.fixture
def helper(job: Job, project: Project, simulator: RunningSimulator, clock: Clock) -> Server:
    """The helper as the reading in the middle found it."""
    with simulator.lock:
        (made,) = [row for row in simulator.world.servers.values() if row.temporary]
        # With a key pair, as any server: by that alone nobody could tell.
        made.key_name = "KeyPair-350b"
    sync(project, clock)
    return Server.objects.get(pk=made.id)


def order_body(server: Server) -> dict[str, Any]:
    request = order_request(server)
    return {
        "project": request.project,
        "servers": list(request.servers),
        "spec": {"keyname": request.keyname, "userid": request.userid, "mode": request.mode},
        "reason": request.reason,
        "confirm": request.confirm,
    }


def test_it_is_shown_as_what_it_is_and_offered_by_no_page(browser: Client, helper: Server) -> None:
    for address in ("/servers/", "/servers/?q=reinstall-tmp", f"/servers/{helper.pk}/"):
        html = browser.get(address).content.decode()
        assert helper.name in html, address
        assert f'href="/servers/{helper.pk}/reinstall/"' not in html, address
        assert f'value="{helper.pk}"' not in html, address
    rows = {row.id: row for row in browser.get("/servers/?q=reinstall-tmp").context["page"].items}
    assert rows[helper.pk].state == "temporary" and rows[helper.pk].why_not == f"{helper.name} {SENTENCE}"


def test_its_form_is_refused(
    browser: Client, helper: Server, simulator: RunningSimulator, requester: User
) -> None:
    accepted = len(simulator.accepted())
    page = browser.get(f"/servers/{helper.pk}/reinstall/")
    assert SENTENCE in page.content.decode()
    values = filled_in(browser, helper)
    sent = browser.post(f"/servers/{helper.pk}/reinstall/", values)
    assert sent.status_code not in (302, 303)
    assert SENTENCE in sent.content.decode()
    assert Job.objects.filter(server=helper).count() == 0
    assert len(simulator.accepted()) == accepted


def test_rest_says_why_not_and_takes_no_order(
    helper: Server, requester: User, simulator: RunningSimulator
) -> None:
    caller = Caller(a_token(requester))
    accepted = len(simulator.accepted())
    assert caller.get(f"servers/{helper.pk}/").json()["why_not"] == f"{helper.name} {SENTENCE}"
    (row,) = [r for r in caller.get("servers/?limit=200").json()["results"] if r["id"] == str(helper.pk)]
    assert row["why_not"] and row["state"] == "temporary"
    key = {"Idempotency_Key": uuid.uuid4().hex}
    assert fields_of(caller.post("orders/", order_body(helper), **key)) == {"servers"}
    checks = caller.post("orders/", order_body(helper) | {"dry_run": True})
    assert SENTENCE in checks.content.decode()
    assert not Job.objects.filter(server=helper).exists()
    assert len(simulator.accepted()) == accepted


def test_after_the_run_it_is_gone(
    helper: Server, job: Job, project: Project, clock: Clock, simulator: RunningSimulator
) -> None:
    assert finished(job, clock, simulator).state == "succeeded"
    clock.add(1)
    sync(project, clock)
    helper.refresh_from_db()
    assert helper.gone_at is not None


def test_the_server_that_is_reinstalled_is_never_taken_for_its_helper(helper: Server, job: Job) -> None:
    assert not Server.objects.get(pk=job.server_id).temporary


def test_what_somebody_makes_meanwhile_can_be_chosen_after_the_run_even_if_it_has_no_address(
    helper: Server, job: Job, project: Project, clock: Clock, simulator: RunningSimulator, requester: User
) -> None:
    key = str(uuid.uuid4())
    with simulator.lock:
        like = vars(simulator.world.servers[str(helper.pk)])
        own = type(simulator.world.servers[str(helper.pk)])(**{**like, "id": key, "name": "their-own"})
        own.status, own.task_state, own.temporary = "ACTIVE", None, False
        simulator.world.servers[key] = own
    clock.add(1)
    sync(project, clock)
    assert Server.objects.get(pk=key).temporary
    finished(job, clock, simulator)
    # The run's end and the reading must not fall into one moment.
    clock.add(60)
    sync(project, clock)
    row = Server.objects.get(pk=key)
    assert not row.temporary and row.gone_at is None
