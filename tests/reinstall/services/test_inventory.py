"""Reading the cloud into the database: what went, what came back, what broke off in the middle."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now

from ecsclient.servers import AttachedVolume, list_servers
from reinstall.domain.actors import Actor
from reinstall.domain.errors import NotAllowed, NotFound, RuleBroken
from reinstall.models import AuditEvent, Disk, KeyPair, Membership, Project, Server, SyncRun
from reinstall.services import inventory, links, orders, syncruns
from reinstall.services.inventory_disks import Volumes
from reinstall.services.inventory_reading import Reading
from reinstall.services.inventory_servers import _Store
from simulator.server import RunningSimulator
from tests.reinstall.conftest import OPERATOR, actor_for, added_project, order_request
from tests.reinstall.services.together import together

pytestmark = pytest.mark.django_db


def sync(project: Project, *, at: datetime | None = None, actor: Actor = OPERATOR) -> inventory.SyncReport:
    return inventory.sync_project(actor=actor, now=at or now(), project=project)


def test_a_second_reading_changes_nothing(project: Project) -> None:
    before = [list(model.objects.order_by("pk").values_list("pk")) for model in (Server, Disk, KeyPair)]
    report = sync(project)
    assert report.servers == Server.objects.count() > 10
    assert (report.added, report.changed, report.gone, report.problems) == (0, 0, 0, ())
    assert [
        list(model.objects.order_by("pk").values_list("pk")) for model in (Server, Disk, KeyPair)
    ] == before
    entry = AuditEvent.objects.filter(action="project.synced").latest("id")
    assert entry.after == {"servers": report.servers, "added": 0, "changed": 0, "gone": 0}


def test_a_server_that_went_is_marked_and_one_that_comes_back_is_there_again(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    with simulator.lock:
        taken = simulator.world.servers.pop(str(server.pk))
    assert sync(project).gone == 1
    server.refresh_from_db()
    assert server.gone_at is not None
    assert sync(project).gone == 0
    with simulator.lock:
        simulator.world.servers[str(server.pk)] = taken
    report = sync(project)
    assert (report.added, report.gone) == (0, 0)
    server.refresh_from_db()
    assert server.gone_at is None


def test_a_changed_server_is_counted_and_found_by_its_new_name(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    with simulator.lock:
        simulator.world.servers[str(server.pk)].name = "Renamed-01"
    assert sync(project).changed == 1
    server.refresh_from_db()
    assert server.name == "Renamed-01"
    assert "renamed-01" in server.search


def test_replaced_disks_are_replaced_here(project: Project, server: Server) -> None:
    (system,) = server.disks.filter(boot_index=0)
    data = server.disks.exclude(pk=system.pk)[0]
    # As if a reinstall had happened, and the data disk had changed places with the system disk.
    Disk.objects.filter(pk=system.pk).update(volume_id="of-before")
    Disk.objects.filter(pk=data.pk).update(boot_index=None, device="/dev/vdz")
    sync(project)
    assert server.disks.get(boot_index=0).volume_id == system.volume_id
    assert not server.disks.filter(volume_id="of-before").exists()
    assert server.disks.get(volume_id=data.volume_id).device == data.device


def test_two_disks_may_change_places(server: Server) -> None:
    system, data = server.disks.get(boot_index=0), server.disks.exclude(boot_index=0)[0]
    inventory.store_disks(
        server,
        [
            {"volume_id": data.volume_id, "device": "/dev/vda", "boot_index": 0},
            {"volume_id": system.volume_id, "device": "/dev/vdb", "boot_index": 1},
        ],
    )
    assert server.disks.get(boot_index=0).volume_id == data.volume_id


def test_of_two_system_disks_none_is_called_one(server: Server, actor: Actor) -> None:
    ids = [disk.volume_id for disk in server.disks.all()][:2]
    inventory.store_disks(server, [{"volume_id": i, "device": "", "boot_index": 0} for i in ids])
    assert not server.disks.filter(boot_index=0).exists()
    with pytest.raises(RuleBroken, match="no system disk that is known here"):
        orders.place_order(actor=actor, now=now(), request=order_request(server), submission_id=uuid.uuid4())


def test_the_server_of_another_project_is_left_there_and_named(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    other = added_project(simulator, **simulator.cloud_json("shop-staging"))
    Server.objects.filter(pk=server.pk).update(project=other)
    report = sync(project)
    assert report.problems == (f"Server {server.pk} belongs to another project of this portal already.",)
    server.refresh_from_db()
    assert server.project == other
    project.refresh_from_db()
    assert project.sync_error == report.problems[0]


@pytest.mark.parametrize("fault", ["truncate_body", "drop_after_read", "answer"])
def test_a_list_that_breaks_off_calls_nothing_gone(
    fault: str, project: Project, simulator: RunningSimulator
) -> None:
    read = project.synced_at
    planted = {"match": {"path": "*/cloudservers/detail*"}, "times": None, "do": fault}
    simulator.faults([planted | ({"status": 500} if fault == "answer" else {})])
    report = sync(project)
    assert len(report.problems) == 1
    assert report.problems[0].startswith("Reading servers and disks ended early: ")
    assert not Server.objects.exclude(gone_at=None).exists()
    assert report.key_pairs > 0
    project.refresh_from_db()
    assert project.synced_at == read
    assert project.sync_error == report.problems[0]


def test_what_was_read_before_a_list_broke_off_is_kept(project: Project, simulator: RunningSimulator) -> None:
    records = list(list_servers(links.session_of(project)))
    Server.objects.filter(pk=records[0].id).update(name="old name")
    with simulator.lock:
        simulator.world.servers[records[-1].id].name = 5  # type: ignore[assignment]
    report = sync(project)
    assert "field 'name' of the answer should be a string" in report.problems[0]
    assert Server.objects.get(pk=records[0].id).name == records[0].name
    assert not Server.objects.exclude(gone_at=None).exists()


def test_a_token_that_expires_in_the_middle_is_renewed(simulator: RunningSimulator, db: None) -> None:
    project = added_project(
        simulator, credentials=simulator.cloud_json("shop-prod", "password")["credentials"]
    )
    refusal = {"error_code": "APIGW.0301", "error_msg": "token expired"}
    planted = {"match": {"path": "*/cloudservers/detail*"}, "times": 1, "do": "answer", "status": 401}
    simulator.faults([planted | {"json": refusal}])
    report = sync(project)
    assert report.problems == ()
    assert report.servers == Server.objects.count()


def test_a_server_without_a_key_pair_has_an_empty_name_for_it(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    with simulator.lock:
        simulator.world.servers[str(server.pk)].key_name = None
    sync(project)
    server.refresh_from_db()
    assert server.keyname == ""
    assert not server.temporary


def test_a_server_that_is_being_built_without_a_key_cannot_be_chosen(
    project: Project, server: Server, simulator: RunningSimulator, actor: Actor
) -> None:
    with simulator.lock:
        helper = simulator.world.servers[str(server.pk)]
        helper.status, helper.key_name = "BUILD", None
    sync(project)
    server.refresh_from_db()
    assert server.temporary
    with pytest.raises(RuleBroken, match="temporary helper"):
        orders.place_order(actor=actor, now=now(), request=order_request(server), submission_id=uuid.uuid4())


def test_texts_of_the_cloud_fit_their_columns(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    with simulator.lock:
        simulator.world.servers[str(server.pk)].name = "x" * 300 + "\u202e"
    assert sync(project).problems == ()
    server.refresh_from_db()
    assert len(server.name) == 255


def test_an_older_reading_does_not_undo_a_newer_one(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    """Its pages were fetched before; stored late, they would bring back the disk a reinstall replaced."""
    Server.objects.filter(pk=server.pk).update(status="SHUTOFF", seen_at=now() + timedelta(seconds=1))
    server.disks.filter(boot_index=0).update(volume_id="the-new-one")
    report = sync(project)
    assert (report.changed, report.gone) == (0, 0)
    server.refresh_from_db()
    assert server.status == "SHUTOFF"
    assert server.disks.get(boot_index=0).volume_id == "the-new-one"


def a_reading(project: Project) -> Reading:
    """A reading that has begun."""
    run = syncruns.request_sync(actor=OPERATOR, now=now(), project=project, wanted_now=False)
    mine = syncruns.claim(run_id=run.pk, owner="test", now=now())
    assert mine is not None
    return Reading(project, links.session_of(project), now(), mine, now)


def test_an_id_that_is_none_leaves_one_server_out_and_says_so(project: Project) -> None:
    reading = a_reading(project)
    record = next(iter(list_servers(reading.session)))
    _Store(reading, Volumes()).batch([replace(record, id="not-a-uuid"), record])
    assert reading.oddities == ["Server not-a-uuid was left out: its id is not 32 hexadecimal digits."]
    assert reading.report.servers == 1


def test_a_disk_the_disk_service_does_not_know_is_listed(project: Project, server: Server) -> None:
    reading = a_reading(project)
    record = next(r for r in list_servers(reading.session) if r.id == str(server.pk))
    extra = AttachedVolume("a-new-volume", "/dev/vdx", None)
    _Store(reading, Volumes()).batch([replace(record, volumes=(*record.volumes, extra))])
    assert server.disks.get(volume_id="a-new-volume").size_gb is None


@pytest.mark.parametrize("role", ["viewer", None])
def test_reading_needs_the_role_to_request(role: str | None, user: User, project: Project) -> None:
    if role:
        Membership.objects.create(user=user, project=project, role=role)
    with pytest.raises((NotAllowed, NotFound)):
        sync(project, actor=actor_for(user))


def test_credentials_that_do_not_open_are_a_problem_and_not_a_crash(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(credentials_sealed=b"\x01\x02k1 junk", credential_version=2)
    report = sync(project)
    assert report.problems == (links.SEALED_SHUT,)
    assert not Server.objects.exclude(gone_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_two_first_readings_at_once_find_each_server_once(
    transactional_db: None, project: Project, simulator: RunningSimulator
) -> None:
    count = Server.objects.count()
    Disk.objects.all().delete()
    Server.objects.all().delete()
    KeyPair.objects.all().delete()
    results = together([lambda: sync(Project.objects.get(pk=project.pk))] * 3)
    assert [getattr(result, "problems", result) for result in results] == [()] * 3
    assert Server.objects.filter(gone_at=None).count() == count
    # Who asks while another reads is told of that reading; who comes a moment after its end reads again and
    # finds nothing new. Added they were once.
    added = [getattr(result, "added", None) for result in results]
    assert count in added and set(added) <= {count, 0}
    assert sum(SyncRun.objects.filter(project=project).values_list("added", flat=True)) == 2 * count
    assert AuditEvent.objects.filter(action="project.synced", after__added=count).count() == 2
