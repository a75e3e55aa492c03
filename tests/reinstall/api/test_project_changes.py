"""REST: a project is changed by who saw its present version, and gets credentials that work."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import Membership, Project
from simulator.server import RunningSimulator
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.rows import a_person


@pytest.fixture
def admin(user: User, project: Project) -> Caller:
    """alice, who administers shop-prod."""
    Membership.objects.create(user=user, project=project, role=Membership.Role.ADMIN)
    return Caller(a_token(user))


def seen(caller: Caller) -> str:
    return str(caller.get("projects/shop-prod/")["ETag"])


def patch(caller: Caller, body: Any, **headers: str) -> Any:
    return caller.send("PATCH", "projects/shop-prod/", body, **headers)


def test_a_change_names_the_version_it_was_decided_on(admin: Caller):
    problem_of(patch(admin, {"name": "Shop"}), 428)
    etag = seen(admin)
    answer = patch(admin, {"name": "Shop"}, If_Match=etag)
    assert answer.status_code == 200 and answer.json()["name"] == "Shop" and answer.json()["version"] == 2
    assert answer["ETag"] == seen(admin) != etag
    problem_of(patch(admin, {"name": "Other"}, If_Match=etag), 412)
    assert Project.objects.get().name == "Shop"
    assert patch(admin, {}, If_Match=seen(admin)).json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"environment": "production"}, "environment"),
        ({"environment": 1}, "environment"),
        ({"slug": "x"}, "slug"),
        ({"credentials": {}}, "credentials"),
    ],
)
def test_what_cannot_be_changed_so_is_named(admin: Caller, body: dict[str, Any], field: str):
    assert fields_of(patch(admin, body, If_Match=seen(admin))) == {field}


def test_a_change_is_for_admins_and_a_project_of_others_is_not_there(requester: User, project: Project):
    caller = Caller(a_token(requester))
    problem_of(patch(caller, {"name": "x"}, If_Match=seen(caller)), 403)
    stranger = Caller(a_token(a_person("eve")))
    problem_of(patch(stranger, {"name": "x"}, If_Match='"x"'), 404)
    problem_of(stranger.post("projects/shop-prod/credentials/", {"credentials": {"kind": "aksk"}}), 404)


def test_credentials_are_tested_and_become_current(
    admin: Caller, project: Project, simulator: RunningSimulator
):
    fresh = simulator.cloud_json("shop-prod", kind="password")["credentials"]
    answer = admin.post("projects/shop-prod/credentials/", {"credentials": fresh})
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (
        told["project"]["credential_kind"] == "password" and told["project"]["credentials_set_by"] == "alice"
    )
    assert [step["name"] for step in told["steps"]][-2:] == ["sign_in", "servers"]
    assert fresh["password"].encode() not in answer.content
    assert admin.get("projects/shop-prod/").json()["credentials_set_by"] == "alice"


def test_credentials_that_do_not_work_are_422_and_name_the_step(
    admin: Caller, project: Project, simulator: RunningSimulator
):
    wrong = simulator.cloud_json("shop-prod")["credentials"] | {"secret_key": "canary-4711"}
    answer = admin.post("projects/shop-prod/credentials/", {"credentials": wrong})
    problem = problem_of(answer, 422)
    assert "Sign-in failed" in problem["detail"] and "APIGW.0301" in problem["detail"]
    assert problem["errors"][0]["code"] == "credentials_failed"
    assert b"canary-4711" not in answer.content
    assert Project.objects.get().credential_version == 1


def test_credentials_of_another_shape_are_named(admin: Caller):
    post = "projects/shop-prod/credentials/"
    assert fields_of(admin.post(post, {"credentials": {"kind": "aksk"}})) == {
        "credentials.access_key",
        "credentials.secret_key",
    }
    assert fields_of(admin.post(post, {"kind": "aksk"})) == {"credentials", "kind"}
