"""An image without Cloud-Init goes to the v1 call: decided when asked for, checked before the call."""

from typing import Any

import pytest

from reinstall.domain.actors import Actor
from reinstall.domain.errors import RuleBroken
from reinstall.domain.states import JobState
from reinstall.domain.verdicts import Level
from reinstall.models import Image, Job, Project, Server
from reinstall.selectors.evidence import evidence_of
from reinstall.services import preconditions, requests
from reinstall.services.orders import preview_order
from simulator.server import RunningSimulator
from tests.reinstall.conftest import Clock, advanced, finished, order_request, placed_job

pytestmark = pytest.mark.django_db

PASSWORD = {"keyname": "", "userid": "", "adminpass": "Example-Pass_1"}


@pytest.fixture
def bare(project: Project, clock: Clock, simulator: RunningSimulator) -> Server:
    """The simulated server whose image has no Cloud-Init, as a sync knows it; its disks are not encrypted."""
    server = Server.objects.get(project=project, image_name="shop-centos-6-legacy")
    server.disks.update(encrypted=False, cmkid="")
    with simulator.lock:
        for disk in server.disks.all():
            simulator.world.volumes[disk.volume_id].cmk_id = None
    know(server, cloud_init=False)
    return server


def know(server: Server, *, cloud_init: bool) -> None:
    Image.objects.update_or_create(
        project=server.project,
        image_id=server.image_id,
        defaults={"name": server.image_name, "cloud_init": cloud_init, "seen_at": Clock()()},
    )


def posts(simulator: RunningSimulator) -> list[str]:
    rows = simulator.ledger()["requests"]
    return [row["path"] for row in rows if row["path"].endswith("/reinstallos")]


@pytest.mark.parametrize("login", [{}, PASSWORD], ids=["key pair", "password"])
def test_a_run_on_v1_from_order_to_proof(
    login: dict[str, Any], actor: Actor, bare: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = finished(placed_job(actor, bare, **login), clock, simulator)
    assert (job.state, job.call_version) == (JobState.SUCCEEDED, "v1"), job.failure_message
    path = f"/v1/{bare.project.project_id}/cloudservers/{bare.pk}/reinstallos"
    assert posts(simulator) == [path]
    (accepted,) = simulator.accepted()
    wanted = {"adminpass": PASSWORD["adminpass"]} if login else {"keyname": job.order.keyname}
    assert accepted["body"]["os-reinstall"].items() >= wanted.items()
    assert "metadata" not in accepted["body"]["os-reinstall"]
    assert accepted["body_raw"].encode() == requests.spec_of_order(job.order).request_bytes()
    assert job.exchanges.get(method="POST", path__endswith="/reinstallos").path == path


def test_the_preview_shows_the_call_and_its_hash(actor: Actor, bare: Server, clock: Clock) -> None:
    preview = preview_order(actor=actor, now=clock(), request=order_request(bare))
    assert [request.path.split("/")[1] for request in preview.requests] == ["v1"]
    assert any("no Cloud-Init" in check.sentence for check in preview.checks if check.name == "call")
    assert placed_job(actor, bare).request_hash == preview.requests[0].request_hash


def test_servers_of_both_kinds_in_one_order_get_their_own_call(
    actor: Actor, bare: Server, server: Server
) -> None:
    versions = requests.versions_of(bare.project, [requests.facts_of(s) for s in (bare, server)])
    assert versions == {str(bare.pk): "v1", str(server.pk): "v2"}


def test_a_script_is_refused_before_anything_is_stored(actor: Actor, bare: Server) -> None:
    with pytest.raises(RuleBroken, match="takes no first-boot script"):
        placed_job(actor, bare, user_data=b"#!/bin/sh\n")
    assert not Job.objects.exists()


def test_windows_without_cloudbase_init_takes_a_password_only(actor: Actor, bare: Server) -> None:
    Server.objects.filter(pk=bare.pk).update(os_type="Windows")
    with pytest.raises(RuleBroken, match="only a password is taken"):
        placed_job(actor, bare)
    assert placed_job(actor, bare, **PASSWORD).call_version == "v1"


def test_a_cloud_without_the_call_says_so(actor: Actor, bare: Server, clock: Clock) -> None:
    cloud = bare.project.cloud
    cloud.profile = "otc"
    cloud.save()
    checks = preview_order(actor=actor, now=clock(), request=order_request(bare)).checks
    (call,) = [check for check in checks if check.name == "call"]
    assert call.level is Level.MUST_FIX
    assert "Open Telekom Cloud documents only the call for images with Cloud-Init." in call.sentence
    with pytest.raises(RuleBroken, match="cannot be reinstalled from here"):
        placed_job(actor, bare)


@pytest.mark.parametrize("believed", [False, True], ids=["v1 decided", "v2 decided"])
def test_an_image_that_says_otherwise_gets_no_request(
    believed: bool, actor: Actor, bare: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    know(bare, cloud_init=believed)
    job = placed_job(actor, bare)
    with simulator.lock:
        simulator.world.images[bare.image_id].cloud_init = not believed
    advanced(job, clock, 3)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "drift")
    assert "other than when this was asked for" in job.failure_message
    assert posts(simulator) == [] and not job.attempts.exists()


def test_a_public_image_is_looked_at_too(
    actor: Actor, server: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, server)
    with simulator.lock:
        assert simulator.world.servers[str(server.pk)].image_kind == "gold"
        simulator.world.images[server.image_id].cloud_init = False
    preconditions.forget()
    advanced(job, clock, 3)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "drift")
    assert posts(simulator) == []


def test_a_version_that_was_changed_in_the_database_is_not_sent(
    actor: Actor, bare: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    job = placed_job(actor, bare)
    with simulator.lock:
        simulator.world.images[bare.image_id].cloud_init = True
    Job.objects.filter(pk=job.pk).update(call_version="v2")
    advanced(job, clock, 3)
    assert (job.state, job.failure_code) == (JobState.REJECTED, "hash_mismatch")
    assert posts(simulator) == []


def test_an_unclear_answer_to_v1_is_settled_like_any_other(
    actor: Actor, bare: Server, simulator: RunningSimulator, clock: Clock
) -> None:
    simulator.faults([{"match": {"method": "POST", "path": "*/reinstallos"}, "do": "drop_after_accept"}])
    job = advanced(placed_job(actor, bare), clock, 3)
    assert job.state == JobState.UNCERTAIN
    sent = evidence_of(actor, job.pk).sent
    assert sent is not None and sent.path.startswith("/v1/")
    job = finished(job, clock, simulator)
    assert job.state == JobState.SUCCEEDED
    assert len(posts(simulator)) == len(simulator.accepted()) == 1
