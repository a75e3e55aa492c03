from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import Cloud, Membership, Project, Server
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.rows import a_person


@pytest.fixture
def boss(db: None) -> Caller:
    return Caller(a_token(a_person("boss", is_superuser=True)))


@pytest.fixture
def document(simulator: RunningSimulator) -> dict[str, Any]:
    return dict(simulator.cloud_json("shop-prod"))


def test_a_project_is_added_tested_and_synced(boss: Caller, document: dict[str, Any]):
    answer = boss.post("projects/", document)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert answer["Location"] == f"/api/v1/projects/{made['slug']}/"
    assert document["credentials"]["secret_key"].encode() not in answer.content
    assert made["credential_kind"] == "aksk" and made["synced_at"] is None
    steps = boss.post(f"projects/{made['slug']}/check/").json()["steps"]
    assert [(step["name"], step["ok"]) for step in steps] and all(step["ok"] for step in steps)
    report = boss.post(f"projects/{made['slug']}/sync/").json()
    assert report["problems"] == [] and report["servers"] == report["added"] == Server.objects.count() > 0
    again = boss.get(answer["Location"])
    assert again.json()["synced_at"] is not None and again["ETag"] != answer["ETag"]
    row = boss.get("servers/?limit=1").json()["results"][0]
    assert row["project"] == made["slug"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"profile": "aws"}, {"profile"}),
        ({"credentials": None}, {"credentials"}),
        ({"credentials": {"kind": "aksk"}}, {"credentials.access_key", "credentials.secret_key"}),
        ({"credentials": {"kind": "magic"}}, {"credentials.kind"}),
        ({"credentials": {"kind": "aksk", "colour": 1}}, {"credentials.colour"}),
        ({"endpoints": {"ecs": 5}}, {"endpoints.ecs"}),
        ({"endpoints": "https://x"}, {"endpoints"}),
        ({"slug": "mine"}, {"slug"}),
        ({"credentials_sealed": "x"}, {"credentials_sealed"}),
    ],
    ids=lambda value: ",".join(sorted(value)),
)
def test_what_is_wrong_is_named(
    boss: Caller, document: dict[str, Any], changes: dict[str, Any], fields: set[str]
):
    assert fields_of(boss.post("projects/", document | changes)) == fields
    assert not Project.objects.exists() and not Cloud.objects.exists()


def test_real_environments_take_no_private_addresses(boss: Caller, document: dict[str, Any]):
    named = fields_of(boss.post("projects/", document | {"environment": "production"}))
    assert named == {f"endpoints.{name}" for name in document["endpoints"]}
    assert "environment" in fields_of(boss.post("projects/", document | {"environment": "prod"}))


def test_only_an_administrator_adds_projects(document: dict[str, Any], db: None):
    problem_of(Caller(a_token(a_person("eve"))).post("projects/", document), 403)
    assert not Project.objects.exists()


def test_a_requester_may_sync_but_not_test_the_connection(requester: User, project: Project):
    caller = Caller(a_token(requester))
    assert caller.post(f"projects/{project.slug}/sync/").json()["problems"] == []
    problem_of(caller.post(f"projects/{project.slug}/check/"), 403)
    Membership.objects.update(role=Membership.Role.ADMIN)
    assert caller.post(f"projects/{project.slug}/check/").status_code == 200


def test_a_cloud_that_does_not_answer_is_told_in_sentences(
    boss: Caller, project: Project, simulator: RunningSimulator
):
    cloud = project.cloud
    Cloud.objects.filter(pk=cloud.pk).update(
        endpoints={name: "http://127.0.0.1:9" for name in cloud.endpoints}
    )
    told = boss.post(f"projects/{project.slug}/check/").json()
    assert told["ok"] is False and told["writes"].startswith("Write rights are not tested")
    results = {step["name"]: step["result"] for step in told["steps"]}
    assert (results["name_lookup"], results["sign_in"], results["images"]) == (
        "passed",
        "failed",
        "not_tried",
    )
    assert all(step["sentence"] and step["title"] for step in told["steps"])
    assert boss.post(f"projects/{project.slug}/sync/").json()["problems"]


def test_key_pairs_and_kms_keys_of_the_cloud_are_listed(requester: User, project: Project):
    caller = Caller(a_token(requester))
    pairs = caller.get("key-pairs/").json()["results"]
    assert len(pairs) == project.key_pairs.count() > 0 and all(len(pair["userid"]) == 32 for pair in pairs)
    keys = caller.get("kms-keys/").json()["results"]
    assert {key["id"] for key in keys} == set(project.kms_keys.values_list("key_id", flat=True))
