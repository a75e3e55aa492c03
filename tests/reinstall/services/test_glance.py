"""The glance at the cloud before a decision: each check failing and passing on what the cloud says now."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from reinstall.domain.actors import Actor
from reinstall.domain.verdicts import Level
from reinstall.models import Image, KmsKey, Project, Server
from reinstall.services import glance, orders
from simulator.server import RunningSimulator
from simulator.world import World
from tests.reinstall.conftest import free_servers, order_request

pytestmark = pytest.mark.django_db

Change = Callable[[World, Server, orders.OrderRequest], None]


def found(actor: Actor, request: orders.OrderRequest) -> dict[str, tuple[Level, str]]:
    glance.forget()
    preview = orders.preview_order(actor=actor, now=now(), request=request)
    return {check.name: (check.level, check.sentence) for check in preview.checks}


def image_gone(world: World, server: Server, _: orders.OrderRequest) -> None:
    row = world.servers[str(server.pk)]
    row.image_kind = "private"
    del world.images[row.image_id]


def image_withdrawn(world: World, server: Server, _: orders.OrderRequest) -> None:
    row = world.servers[str(server.pk)]
    row.image_kind = "gold"
    del world.images[row.image_id]


def image_saving(world: World, server: Server, _: orders.OrderRequest) -> None:
    world.images[world.servers[str(server.pk)].image_id].status = "saving"


def quota_full(world: World, _: Server, __: orders.OrderRequest) -> None:
    world.scenario.volume_quota = 0


def key_pair_gone(world: World, _: Server, request: orders.OrderRequest) -> None:
    world.key_pairs = [pair for pair in world.key_pairs if pair.name != request.keyname]


def locked(world: World, server: Server, _: orders.OrderRequest) -> None:
    world.servers[str(server.pk)].locked = True


def server_gone(world: World, server: Server, _: orders.OrderRequest) -> None:
    del world.servers[str(server.pk)]


def disk_encrypted(world: World, server: Server, _: orders.OrderRequest) -> None:
    disk = server.disks.get(boot_index=0)
    world.volumes[disk.volume_id].cmk_id = next(iter(world.kms_keys))


@pytest.mark.parametrize(
    ("change", "name", "level", "words"),
    [
        (image_gone, "image", Level.MUST_FIX, "is not at the cloud any more"),
        (image_withdrawn, "image", Level.TO_KNOW, "is not offered any more"),
        (image_saving, "image", Level.MUST_FIX, "is saving, not active"),
        (quota_full, "quota", Level.MUST_FIX, "quota of disks is used up"),
        (key_pair_gone, "key_pair", Level.MUST_FIX, "There is no key pair"),
        (locked, "locked", Level.MUST_FIX, "is locked at the cloud"),
        (server_gone, "server", Level.MUST_FIX, "is not at the cloud any more"),
        (disk_encrypted, "encryption_lost", Level.MUST_FIX, "may come back in clear text"),
    ],
)
def test_what_changed_at_the_cloud_a_moment_ago_is_seen_before_the_order(
    change: Change,
    name: str,
    level: Level,
    words: str,
    actor: Actor,
    server: Server,
    simulator: RunningSimulator,
) -> None:
    request = order_request(server)
    before = found(actor, request)
    assert before.get(name, (Level.PASSED, ""))[0] is Level.PASSED
    assert "cloud" not in before
    with simulator.lock:
        change(simulator.world, server, request)
    seen = found(actor, request)
    assert seen[name][0] is level, seen[name]
    assert words in seen[name][1]
    assert orders.preview_order(actor=actor, now=now(), request=request).fresh


def test_a_kms_key_that_was_disabled_is_named_with_its_state(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    key = KmsKey.objects.filter(state=KmsKey.ENABLED)[0]
    request = order_request(server, encrypted=True, cmkid=key.key_id)
    assert found(actor, request)["kms_key"][0] is Level.PASSED
    with simulator.lock:
        simulator.world.kms_keys[key.key_id].state = "3"
    assert found(actor, request)["kms_key"] == (
        Level.MUST_FIX,
        f"The KMS key {key} is disabled. Choose an enabled one, or enable it at the cloud.",
    )


def test_snapshots_that_would_vanish_are_counted(
    actor: Actor, project: Project, simulator: RunningSimulator
) -> None:
    server = free_servers(project)[0]
    disk = server.disks.get(boot_index=0)
    with simulator.lock:
        sample = next(iter(simulator.world.snapshots.values()))
        simulator.world.snapshots.clear()
    assert found(actor, order_request(server))["snapshots"][0] is Level.PASSED
    with simulator.lock:
        for number in range(2):
            copy = type(sample)(**{**vars(sample), "id": f"{number}" * 36, "volume_id": disk.volume_id})
            copy.project_id = project.project_id
            simulator.world.snapshots[copy.id] = copy
    level, sentence = found(actor, order_request(server))["snapshots"]
    assert level is Level.TO_KNOW
    assert sentence == ("2 snapshots of the system disk are deleted with it. Snapshots of data disks stay.")


def test_a_server_that_was_stopped_meanwhile_fits_and_its_row_says_so(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    request = order_request(server, mode="")
    assert found(actor, request)["running"][0] is not Level.PASSED
    with simulator.lock:
        simulator.world.servers[str(server.pk)].status = "SHUTOFF"
    assert found(actor, request)["running"][0] is Level.PASSED
    server.refresh_from_db()
    assert server.status == "SHUTOFF"


def test_a_cloud_that_is_away_costs_a_sentence_and_the_rows_still_judge(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    simulator.faults([{"match": {"method": "GET"}, "times": 100, "do": "drop_after_read"}])
    seen = found(actor, order_request(server))
    level, sentence = seen["cloud"]
    assert level is Level.TO_KNOW
    assert sentence.startswith("The cloud could not be asked about ")
    assert sentence.endswith("; judged by what was last read.")
    assert seen["server"][0] is Level.PASSED
    assert seen["key_pair"][0] is Level.PASSED
    assert "quota" not in seen


def test_a_cloud_that_is_slow_holds_the_form_up_no_longer_than_said(
    actor: Actor, server: Server, simulator: RunningSimulator, settings: Any
) -> None:
    settings.FORM_WAIT_S = 1
    simulator.faults([{"match": {"method": "GET"}, "times": 100, "do": "delay", "seconds": 4}])
    started = time.monotonic()
    assert "did not answer within 1 s" in found(actor, order_request(server))["cloud"][1]
    assert time.monotonic() - started < 3.5


def test_answers_hold_for_a_moment_and_errors_too(
    actor: Actor, server: Server, simulator: RunningSimulator
) -> None:
    request = order_request(server)
    found(actor, request)
    asked = len(simulator.ledger()["requests"])
    preview = orders.preview_order(actor=actor, now=now(), request=request)
    assert preview.fresh
    assert len(simulator.ledger()["requests"]) == asked


def test_many_servers_are_judged_by_the_last_sync_and_share_the_other_questions(
    actor: Actor, project: Project, simulator: RunningSimulator
) -> None:
    servers = list(Server.objects.filter(project=project, locked=False)[: glance.MOST_SERVERS + 1])
    request = order_request(servers[0], servers=tuple(str(s.pk) for s in servers))
    glance.forget()
    orders.preview_order(actor=actor, now=now(), request=request)
    paths = [row["path"] for row in simulator.ledger()["requests"] if "sync" not in row["path"]]
    assert not any(path.endswith("/block_device") for path in paths)
    assert sum("cloudimages" in path for path in paths) >= 1


def test_a_look_takes_a_few_statements(actor: Actor, server: Server) -> None:
    request = order_request(server)
    found(actor, request)
    glance.forget()
    with CaptureQueriesContext(connection) as seen:
        orders.preview_order(actor=actor, now=now(), request=request)
    assert len(seen) < 50
    assert Image.objects.filter(image_id=server.image_id, gone_at=None).count() == 1
