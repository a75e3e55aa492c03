"""A protected server is not reinstalled: not by a new request, and not by one that waits."""

from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.errors import Conflict, NotAllowed, NotFound, RuleBroken
from reinstall.domain.states import JobState
from reinstall.models import AuditEvent, Membership, Order, Project, Server
from reinstall.services import orders, protection
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, order_request, placed_job
from tests.reinstall.rows import a_person, a_project, a_server, an_actor

pytestmark = pytest.mark.django_db

WHY = "live <b>orders</b>"


def protected(actor: Actor, server: Server, reason: str = WHY) -> Server:
    return protection.protect_server(actor=actor, now=now(), server_id=server.pk, reason=reason)


def test_a_protected_server_is_refused_with_the_name_and_the_reason(actor: Actor, server: Server) -> None:
    protected(actor, server)
    with pytest.raises(RuleBroken) as refused:
        placed_job(actor, server)
    sentence = (
        f'{server.name} is protected by {actor.name}: "{WHY}". Remove the protection first; that is logged.'
    )
    assert [(error.code, error.message) for error in refused.value.errors] == [("protected", sentence)]
    assert not Order.objects.exists()


def test_lifting_it_is_written_down_and_lets_the_server_go(actor: Actor, server: Server) -> None:
    protected(actor, server)
    protection.unprotect_server(actor=actor, now=now(), server_id=server.pk, reason="moved")
    told = AuditEvent.objects.filter(object_type="server").order_by("id")
    assert [(entry.action, entry.note) for entry in told] == [
        ("server.protected", WHY),
        ("server.unprotected", "moved"),
    ]
    assert placed_job(actor, server).state == JobState.QUEUED


def test_a_tag_of_the_cloud_protects_and_only_the_cloud_lifts_it(actor: Actor, server: Server) -> None:
    Server.objects.filter(pk=server.pk).update(tags=["ecsportal:protected=yes"])
    with pytest.raises(RuleBroken, match="protected at the cloud by the tag"):
        placed_job(actor, server)
    with pytest.raises(Conflict, match="Remove the tag there"):
        protection.unprotect_server(actor=actor, now=now(), server_id=server.pk, reason="moved")


@pytest.mark.parametrize("where", ["portal", "cloud"])
def test_what_is_protected_while_an_order_waits_gets_no_request(
    where: str, actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    if where == "portal":
        protected(actor, server)
    else:
        with simulator.lock:
            simulator.world.servers[str(server.pk)].tags.append("ecsportal:protected=1")
    advanced(job, clock)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "protected")
    assert not any(row["path"].endswith("/reinstallos") for row in simulator.ledger()["requests"])


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_needed(reason: str, actor: Actor, server: Server) -> None:
    with pytest.raises(RuleBroken) as refused:
        protected(actor, server, reason)
    assert refused.value.errors[0].field == "reason"


def test_it_is_for_those_who_may_reinstall_and_for_nobody_else() -> None:
    shop = a_project()
    server = a_server(shop)
    viewer = an_actor(a_person("vic", shop, role=Membership.Role.VIEWER))
    with pytest.raises(NotAllowed):
        protected(viewer, server)
    with pytest.raises(NotFound):
        protected(an_actor(a_person("eve")), server)


def test_twice_is_a_conflict(actor: Actor, server: Server) -> None:
    protected(actor, server)
    with pytest.raises(Conflict, match="protected already"):
        protected(actor, server)


def test_a_namesake_asks_for_the_end_of_the_id(actor: Actor, server: Server, project: Project) -> None:
    assert orders.phrase_of_server(server.pk) == server.name
    a_server(project, server.name)
    phrase = f"{server.name} {str(server.pk)[-4:]}"
    assert orders.phrase_of_server(server.pk) == phrase
    with pytest.raises(RuleBroken, match="exactly as shown"):
        placed_job(actor, server)
    asked: Any = order_request(server, confirm=phrase)
    assert orders.typed_phrase([server]) == asked.confirm


def test_the_page_protects_and_lifts_without_a_script(actor: Actor, server: Server) -> None:
    browser = Client()
    browser.force_login(Membership.objects.filter(project=server.project)[0].user)
    address = f"/servers/{server.pk}/"
    assert browser.post(f"{address}protect/", {"reason": ""}, follow=True).content.count(b"Say why") == 1
    assert browser.post(f"{address}protect/", {"reason": WHY}).status_code == 303
    html = browser.get(address).content.decode()
    assert "live &lt;b&gt;orders&lt;/b&gt;" in html
    assert f'href="{address}reinstall/"' not in html
    assert "Remove the protection" in html
    assert browser.post(f"{address}unprotect/", {"reason": "moved"}).status_code == 303
    assert f'href="{address}reinstall/"' in browser.get(address).content.decode()
