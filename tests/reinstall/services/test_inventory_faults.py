"""A cloud that lists badly: the reading ends with what it has, says what is missing, calls nobody gone."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.timezone import now

from reinstall.domain.states import JobState
from reinstall.models import Disk, Image, KeyPair, KmsKey, Project, Server, SyncRun
from reinstall.services import inventory, links
from simulator.server import RunningSimulator, start_in_thread
from tests.reinstall.conftest import OPERATOR, added_project
from tests.reinstall.rows import a_job, a_person, an_order

pytestmark = pytest.mark.django_db

LIST = "*/cloudservers/detail"
#: Lets one request pass as it is; what is planted behind it meets the next one.
PASS = {"do": "delay", "seconds": 0}


@pytest.fixture(scope="module")
def running_big() -> Iterator[RunningSimulator]:
    running = start_in_thread(seed=3, scenario={"servers": {"shop-prod": 450}})
    yield running
    running.stop()


@pytest.fixture
def big(running_big: RunningSimulator) -> RunningSimulator:
    """A simulated cloud whose servers fill three pages."""
    running_big.reset()
    links.forget_sessions()
    return running_big


@pytest.fixture
def large(db: None, big: RunningSimulator) -> Project:
    return added_project(big)


def sync(project: Project) -> inventory.SyncReport:
    return inventory.sync_project(actor=OPERATOR, now=now(), project=project)


def plant(simulator: RunningSimulator, path: str, *faults: dict[str, Any], skip: int = 0) -> None:
    match = {"match": {"path": path}}
    simulator.faults([match | PASS] * skip + [match | fault for fault in faults])


def listed(project: Project, count: int) -> list[dict[str, Any]]:
    """The first entries of the project's list of servers, as the cloud gives them."""
    session = links.session_of(project)
    path = f"/v1/{session.project_id}/cloudservers/detail"
    answer: Any = session.get("ecs", path, {"offset": 1, "limit": count})
    return list(answer["servers"])


def is_incomplete(project: Project, report: inventory.SyncReport) -> None:
    """Nobody is called gone, the age stays that of the last whole reading, the run says it."""
    before = project.synced_at
    project.refresh_from_db()
    assert not Server.objects.exclude(gone_at=None).exists()
    assert project.synced_at == before and project.sync_error == " ".join(report.problems)
    run = SyncRun.objects.filter(project=project).first()
    assert run is not None and run.ended_at is not None
    assert not run.complete and run.problems == list(report.problems)


def test_three_pages_are_one_list(large: Project) -> None:
    assert Server.objects.filter(project=large).count() == 450
    report = sync(large)
    assert (report.servers, report.added, report.changed, report.gone, report.problems) == (450, 0, 0, 0, ())


def test_a_page_that_fails_in_the_middle_leaves_what_was_read_before(
    large: Project, big: RunningSimulator
) -> None:
    Server.objects.update(name="old")
    plant(big, LIST, {"times": None, "do": "answer", "status": 500}, skip=1)
    report = sync(large)
    (problem,) = report.problems
    assert (
        problem.startswith("Reading servers and disks ended early: ") and "200 servers were read." in problem
    )
    assert Server.objects.exclude(name="old").count() == 200
    is_incomplete(large, report)


def test_a_page_that_comes_half_is_asked_for_again(large: Project, big: RunningSimulator) -> None:
    plant(big, LIST, {"times": 1, "do": "truncate_body"}, skip=1)
    report = sync(large)
    assert (report.servers, report.problems) == (450, ())


def test_a_list_that_ends_before_what_it_announced_is_told(
    project: Project, simulator: RunningSimulator
) -> None:
    half = listed(project, 12)
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": {"count": 24, "servers": half}})
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": {"count": 24, "servers": []}})
    report = sync(project)
    assert report.servers == 12
    assert report.problems == ("The cloud announced 24 servers and listed 12.",)
    is_incomplete(project, report)


def test_a_server_listed_twice_is_one(project: Project, simulator: RunningSimulator) -> None:
    rows = listed(project, 24)
    twice = {"count": len(rows), "servers": [*rows, rows[0], rows[0]]}
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": twice})
    report = sync(project)
    assert (report.servers, report.added, report.gone, report.problems) == (len(rows), 0, 0, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("created", "yesterday"),
        ("addresses", "10.0.0.1"),
        ("flavor", []),
        ("id", "../../etc"),
        ("locked", "perhaps"),
        ("tags", [1]),
        ("os-extended-volumes:volumes_attached", [{"id": None}]),
    ],
)
def test_one_server_that_cannot_be_read_is_named_and_the_others_are_stored(
    project: Project, simulator: RunningSimulator, field: str, value: object
) -> None:
    rows = listed(project, 24)
    rows[3][field] = value
    Server.objects.update(status="OLD")
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": {"count": len(rows), "servers": rows}})
    report = sync(project)
    assert Server.objects.filter(status="OLD").count() == 1
    assert report.problems[0].startswith("One of the servers could not be read: ")
    is_incomplete(project, report)


def test_numbers_no_column_holds_are_not_kept(project: Project, simulator: RunningSimulator) -> None:
    rows = listed(project, 24)
    rows[0]["flavor"] |= {"vcpus": str(10**17), "ram": "-5"}
    rows[0]["key_name"], rows[0]["tags"] = None, None
    rows[0]["os-extended-volumes:volumes_attached"][0]["bootIndex"] = "99999999999"
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": {"count": len(rows), "servers": rows}})
    assert sync(project).problems == ()
    row = Server.objects.get(pk=rows[0]["id"])
    assert (row.vcpus, row.ram_mb, row.keyname, row.tags) == (None, None, "", [])
    assert not row.disks.filter(boot_index=0).exists()


def test_a_server_without_disks_is_listed_without_any(project: Project, simulator: RunningSimulator) -> None:
    rows = listed(project, 24)
    del rows[0]["os-extended-volumes:volumes_attached"]
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": {"count": len(rows), "servers": rows}})
    assert sync(project).problems == ()
    assert not Disk.objects.filter(server=rows[0]["id"]).exists()


@pytest.mark.parametrize(
    ("path", "word"), [("*/cloudvolumes/detail", "disks"), ("*/cloudsnapshots/detail", "snapshots")]
)
def test_without_the_disk_service_the_disks_keep_what_was_known(
    project: Project, simulator: RunningSimulator, path: str, word: str
) -> None:
    columns = ("volume_id", "size_gb", "encrypted", "cmkid", "snapshots")
    before = list(Disk.objects.order_by("pk").values_list(*columns))
    plant(simulator, path, {"times": None, "do": "answer", "status": 500})
    report = sync(project)
    assert [problem.split(":")[0] for problem in report.problems] == [f"Reading {word} ended early"]
    assert list(Disk.objects.order_by("pk").values_list(*columns)) == before
    assert report.servers == Server.objects.count()


def test_a_cloud_that_tells_of_no_snapshots_leaves_their_number_open(
    project: Project, simulator: RunningSimulator
) -> None:
    refusal = {"error_code": "APIGW.0101", "error_msg": "The API does not exist"}
    plant(
        simulator,
        "*/cloudsnapshots/detail",
        {"times": None, "do": "answer", "status": 404, "json": refusal},
    )
    assert sync(project).problems == ()
    assert not Disk.objects.exclude(snapshots=None).exists()


def test_a_key_that_is_refused_is_not_tried_five_times(project: Project, simulator: RunningSimulator) -> None:
    """Five bad signatures lock it, for the engine as well."""
    refusal = {"error_code": "APIGW.0301", "error_msg": "Incorrect IAM authentication information"}
    simulator.faults([{"times": None, "do": "answer", "status": 401, "json": refusal}])
    asked = len(simulator.ledger()["requests"])
    (problem,) = sync(project).problems
    assert "APIGW.0301" in problem
    assert len(simulator.ledger()["requests"]) == asked + 1


def test_a_cloud_that_is_away_is_told_in_one_sentence_and_all_stays(project: Project) -> None:
    before = [model.objects.filter(gone_at=None).count() for model in (Server, Image, KeyPair, KmsKey)]
    cloud = project.cloud
    cloud.endpoints = dict.fromkeys(cloud.endpoints, "http://127.0.0.1:9")
    cloud.save()
    report = sync(project)
    assert len(report.problems) == 1
    assert [m.objects.filter(gone_at=None).count() for m in (Server, Image, KeyPair, KmsKey)] == before
    is_incomplete(project, report)


def test_a_server_that_was_left_out_of_the_list_and_is_there_is_not_gone(
    project: Project, simulator: RunningSimulator
) -> None:
    """Pages are no snapshot: one that is deleted meanwhile moves the next one over the edge of its page."""
    rows = listed(project, 24)
    fewer = {"count": len(rows) - 2, "servers": rows[2:]}
    plant(simulator, LIST, {"do": "answer", "status": 200, "json": fewer})
    with simulator.lock:
        del simulator.world.servers[rows[1]["id"]]
    report = sync(project)
    assert report.problems == (
        f"{rows[0]['name']} was left out of the list and is still there; others may be as well.",
    )
    assert [str(s.pk) for s in Server.objects.exclude(gone_at=None)] == [rows[1]["id"]]


def test_many_that_are_gone_are_marked_without_asking_for_each(large: Project, big: RunningSimulator) -> None:
    with big.lock:
        kept = dict(list(big.world.servers.items())[:300])
        big.world.servers.clear()
        for key, row in kept.items():
            big.world.servers[key] = row
    asked = len(big.ledger()["requests"])
    gone = 450 - Server.objects.filter(pk__in=kept).count()
    assert sync(large).gone == gone > 100
    assert len(big.ledger()["requests"]) < asked + 60


def test_a_server_under_a_job_is_not_called_gone(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    job = a_job(an_order(project, a_person()), server, JobState.ATTENTION)
    with simulator.lock:
        del simulator.world.servers[str(server.pk)]
    report = sync(project)
    server.refresh_from_db()
    assert server.gone_at is None and report.gone == 0
    assert report.problems == (
        f"{server.name} is not listed any more. A job holds it, so it is not called gone yet.",
    )
    type(job).objects.filter(pk=job.pk).update(state=JobState.FAILED, ended_at=now())
    assert sync(project).gone == 1


def test_an_image_that_is_gone_is_marked_and_comes_back(
    project: Project, server: Server, simulator: RunningSimulator
) -> None:
    with simulator.lock:
        taken = simulator.world.images.pop(server.image_id)
    assert sync(project).problems == ()
    image = Image.objects.get(project=project, image_id=server.image_id)
    since = image.gone_at
    assert since is not None and image.status == "deleted" and image.name == taken.name
    sync(project)
    image.refresh_from_db()
    assert image.gone_at == since
    with simulator.lock:
        simulator.world.images[taken.id] = taken
    sync(project)
    back = Image.objects.get(pk=image.pk)
    assert (back.gone_at, back.status) == (None, "active")


def test_what_images_can_do_is_read(project: Project) -> None:
    assert Image.objects.filter(project=project, cloud_init=False, name="shop-centos-6-legacy").exists()
    assert Image.objects.filter(project=project, gone_at=None, image_type="private", min_disk_gb=40).exists()
    # Public images nobody uses are not read.
    assert not Image.objects.filter(project=project, name__contains="Windows").exists()
