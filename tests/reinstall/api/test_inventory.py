"""Images and readings of the inventory over REST."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import Image, Project, Server, SyncRun
from reinstall.services import inventory
from simulator.server import RunningSimulator
from tests import query_ledger
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.conftest import Clock, free_servers
from tests.reinstall.rows import T0, a_project, a_server, an_image

COLUMNS = [
    *("id", "name", "project", "type", "status", "os_type", "min_disk_gb", "cloud_init", "cmkid"),
    *("servers", "seen_at", "gone_at"),
]


def ids(call: Caller, query: str = "") -> list[str]:
    return [row["id"] for row in call.get(f"images/{query}").json()["results"]]


def test_images_say_what_they_can_and_who_was_made_from_them(call: Caller, shop: Project):
    image = an_image(shop, name="Debian", image_type="private", cloud_init=False, min_disk_gb=20, cmkid="k")
    a_server(shop, image_id=image.image_id)
    a_server(shop, image_id=image.image_id, gone_at=T0)
    a_server(a_project("other"), image_id=image.image_id)
    (row,) = call.get("images/").json()["results"]
    assert list(row) == COLUMNS
    assert row["id"] == image.image_id and row["project"] == "shop" and row["servers"] == 1
    assert (row["type"], row["cloud_init"], row["min_disk_gb"], row["cmkid"]) == ("private", False, 20, "k")


def test_images_are_filtered_and_searched(call: Caller, shop: Project):
    debian = an_image(shop, name="debian-12", image_type="private")
    gold = an_image(shop, name="debian-gold", image_type="gold")
    gone = an_image(shop, name="rhel", image_type="private", status="deleted", gone_at=T0)
    for query, wanted in (
        ("", [debian, gold, gone]),
        ("?q=debian", [debian, gold]),
        (f"?q={gone.image_id[:13]}", [gone]),
        ("?type=private", [debian, gone]),
        ("?type=private&gone=no", [debian]),
        ("?gone=yes", [gone]),
        ("?status=deleted", [gone]),
        ("?project=shop&limit=2", [debian, gold]),
        ("?project=elsewhere", []),
    ):
        assert ids(call, query) == [image.image_id for image in wanted], query


@pytest.mark.parametrize("query", ["ordering=name", "colour=red"])
def test_a_parameter_images_do_not_have_is_named(call: Caller, query: str):
    assert fields_of(call.get(f"images/?{query}")) == {query.split("=")[0]}


def test_images_as_a_file(call: Caller, shop: Project):
    an_image(shop, name="=HYPERLINK(1)")
    an_image(shop, name="<b>")
    rows = list(csv.reader(io.StringIO(call.get("images/?format=csv").content.decode("utf-8-sig"))))
    assert rows[0] == COLUMNS
    assert {row[1] for row in rows[1:]} == {"'=HYPERLINK(1)", "<b>"}


def test_images_of_others_are_not_there(call: Caller, shop: Project):
    an_image(a_project("other"))
    assert ids(call) == [] and ids(call, "?project=other") == []


def test_as_many_queries_for_fifty_images(call: Caller, shop: Project):
    an_image(shop)

    def more() -> None:
        for _ in range(49):
            an_image(shop)

    query_ledger.holds("GET /api/v1/images/", lambda: call.get("images/"), more)


def test_as_many_queries_for_fifty_readings(call: Caller, shop: Project):
    def make() -> None:
        SyncRun.objects.create(project=shop, requested_by_name="bob", requested_at=T0, ended_at=T0)

    def more() -> None:
        for _ in range(49):
            make()

    make()
    query_ledger.holds(
        "GET /api/v1/projects/{slug}/sync/",
        lambda: call.get("projects/shop/sync/"),
        more,
    )


def test_images_of_the_cloud_are_listed(requester: User, project: Project, server: Server):
    found = {row["id"]: row for row in Caller(a_token(requester)).get("images/").json()["results"]}
    assert set(found) == set(Image.objects.values_list("image_id", flat=True))
    assert found[server.image_id]["servers"] >= 1
    assert any(row["status"] == "deleted" and row["gone_at"] for row in found.values())


def test_a_reading_in_the_background_is_followed(
    requester: User, project: Project, simulator: RunningSimulator, clock: Clock
):
    caller = Caller(a_token(requester))
    changed = free_servers(project)[0]
    with simulator.lock:
        simulator.world.servers[str(changed.pk)].name = "renamed"
    answer = caller.post(f"projects/{project.slug}/sync/", None, Prefer="respond-async")
    assert answer.status_code == 202
    assert answer.json()["state"] == "waiting" and answer.json()["requested_by"] == requester.username
    where = answer["Location"]
    # Who asks again is told of the same one.
    assert caller.post(f"projects/{project.slug}/sync/", None, Prefer="respond-async")["Location"] == where
    assert caller.get(where).json()["ended_at"] is None
    assert inventory.read_run(run_id=answer.json()["id"], owner="test", clock=clock)
    told = caller.get(where).json()
    assert told["state"] == "complete" and told["problems"] == []
    assert (told["servers"], told["added"], told["changed"], told["gone"]) == (24, 0, 1, 0)
    assert told["changed_servers"] == [{"id": str(changed.pk), "name": "renamed", "fields_changed": ["name"]}]
    newest = caller.get(f"projects/{project.slug}/sync/")
    assert newest.json() == told
    assert caller.get(where, If_None_Match=newest["ETag"]).status_code == 304


def test_while_somebody_reads_the_answer_is_202(requester: User, project: Project, clock: Clock):
    reading: Any = SyncRun.objects.create(
        project=project,
        requested_by_name="eve",
        requested_at=clock(),
        started_at=clock(),
        lease_until=clock() + (clock() - T0),
        phase="servers",
        read=200,
        announced=450,
        owner="elsewhere",
    )
    answer = Caller(a_token(requester)).post(f"projects/{project.slug}/sync/")
    assert answer.status_code == 202
    told = answer.json()
    assert told["id"] == reading.pk and told["requested_by"] == "eve"
    assert (told["state"], told["phase"], told["read"], told["announced"]) == ("reading", "servers", 200, 450)


def test_a_project_that_was_never_read_has_no_reading(call: Caller, shop: Project):
    problem_of(call.get("projects/shop/sync/"), 404)
    problem_of(call.get("projects/shop/syncs/1/"), 404)
