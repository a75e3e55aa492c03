"""Presets over REST: made, changed where nobody was faster, retired, used by an order."""

import hashlib
from typing import Any

import pytest
from django.contrib.auth.models import User

from reinstall.models import Order, Preset, PresetVersion, Project, Server
from tests.reinstall.api.client import Caller, a_token, fields_of, problem_of
from tests.reinstall.api.test_orders import KEY, body_for
from tests.reinstall.rows import a_person, a_preset, a_project

SCRIPT = "#!/bin/sh\necho s3cret-canary\n"
BODY: dict[str, Any] = {"project": "shop", "name": "Base", "spec": {"user_data": SCRIPT}, "note": "first"}


def test_a_preset_is_made_and_its_script_is_never_read_back(call: Caller, shop: Project):
    answer = call.post("presets/", BODY)
    assert answer.status_code == 201 and answer["Location"] == "/api/v1/presets/base/"
    shown = answer.json()
    assert (shown["slug"], shown["project"], shown["used"], shown["retired_at"]) == ("base", "shop", 0, None)
    spec = shown["versions"][0]["spec"]
    assert spec["user_data_sha256"] == hashlib.sha256(SCRIPT.encode()).hexdigest()
    for path in ("presets/", "presets/base/", "presets/base/versions/1/", "audit/"):
        assert "s3cret-canary" not in call.get(path).content.decode()


def test_a_version_is_added_only_by_who_saw_the_newest(call: Caller, shop: Project):
    first = call.post("presets/", BODY)
    problem_of(call.post("presets/base/versions/", {"spec": {}}), 428)
    answer = call.post("presets/base/versions/", {"spec": {}, "note": "none"}, If_Match=first["ETag"])
    assert answer.status_code == 201 and answer["Location"].endswith("/versions/2/")
    assert [one["number"] for one in answer.json()["versions"]] == [2, 1]
    assert answer.json()["versions"][0]["changed"] == ["First-boot script"]
    problem_of(call.post("presets/base/versions/", {"spec": {"byol": True}}, If_Match=first["ETag"]), 412)
    assert PresetVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"spec": {"adminpass": "Abcdef12!"}}, "adminpass"),
        ({"spec": {"cmkid": "x"}}, "cmkid"),
        ({"spec": {"user_data_base64": "!"}}, "user_data_base64"),
        ({"spec": None}, "spec"),
        ({"note": "x" * 501}, "note"),
        ({"slug": "mine"}, "slug"),
        ({"latest": 7}, "latest"),
        ({"retired_at": "2026-01-01T00:00:00Z"}, "retired_at"),
    ],
)
def test_what_is_wrong_is_named(call: Caller, shop: Project, changes: dict[str, Any], field: str):
    assert field in fields_of(call.post("presets/", BODY | changes))
    assert not Preset.objects.exists()


def test_retired_it_is_listed_apart_and_comes_back(call: Caller, shop: Project):
    a_preset(shop, "base")
    assert call.post("presets/base/retire/").json()["retired_by"] == "bob"
    assert call.get("presets/").json()["results"] == []
    [gone] = call.get("presets/?state=retired").json()["results"]
    assert gone["slug"] == "base"
    assert fields_of(call.get("presets/?state=old")) == {"state"}
    assert call.post("presets/base/restore/").json()["retired_at"] is None
    assert call.delete("presets/base/").status_code == 204 and not Preset.objects.exists()


def test_viewers_read_and_strangers_see_nothing(shop: Project, bob: User):
    a_preset(shop, "base")
    viewer = Caller(a_token(a_person("vera", shop, role="viewer")))
    stranger = Caller(a_token(a_person("sam", a_project("other"))))
    assert viewer.get("presets/base/").status_code == 200
    assert stranger.get("presets/").json()["results"] == []
    etag = viewer.get("presets/base/")["ETag"]
    for path, body, method in (
        ("presets/base/retire/", None, "POST"),
        ("presets/base/restore/", None, "POST"),
        ("presets/base/versions/", {"spec": {}}, "POST"),
        ("presets/base/", None, "DELETE"),
    ):
        problem_of(viewer.send(method, path, body, If_Match=etag), 403)
        problem_of(stranger.send(method, path, body, If_Match=etag), 404)
    for path in ("presets/base/", "presets/base/versions/1/"):
        problem_of(stranger.get(path), 404)
    problem_of(call_of(bob).get("presets/base/versions/2/"), 404)
    assert Preset.objects.get().latest == 1


def call_of(person: User) -> Caller:
    return Caller(a_token(person))


def test_an_order_takes_from_its_preset_what_it_does_not_say(requester: User, server: Server):
    caller = call_of(requester)
    spec = {"user_data": SCRIPT, "mode": "withStopServer"}
    caller.post("presets/", {"project": server.project.slug, "name": "Base", "spec": spec})
    body = body_for(server, user_data="#!/bin/sh\n")
    body["preset"] = "base"
    del body["spec"]["user_data"], body["spec"]["mode"]
    dry = caller.post("orders/", body | {"dry_run": True}).json()
    said = [(c["level"], c["sentence"]) for c in dry["checks"] if c["name"] == "preset"]
    assert said == [("passed", "As the preset Base v1 says.")]
    answer = caller.post("orders/", body, **KEY)
    assert answer.status_code == 201 and answer.json()["preset"] == "base@1"
    order = Order.objects.get()
    assert order.user_data_sha256 == hashlib.sha256(SCRIPT.encode()).hexdigest()
    assert order.mode == "withStopServer" and str(order.preset_version) == "Base v1"
    job = caller.get(f"jobs/{answer.json()['jobs'][0]['id']}/").json()
    assert job["asked"]["preset"] == "base@1"


def test_what_an_order_says_counts_before_its_preset(requester: User, server: Server):
    caller = call_of(requester)
    spec = {"user_data": SCRIPT, "mode": "withStopServer", "byol": False}
    caller.post("presets/", {"project": server.project.slug, "name": "Base", "spec": spec})
    body = body_for(server, user_data="") | {"preset": "base@1"}
    assert caller.post("orders/", body, **KEY).status_code == 201
    # An empty script was asked for, which is not the same as saying nothing.
    assert Order.objects.get().user_data_bytes == 0


@pytest.mark.parametrize("preset", ["nobase", "base@9", "base@"])
def test_an_order_with_a_preset_that_is_none_is_refused(requester: User, server: Server, preset: str):
    a_preset(server.project, "base")
    body = body_for(server) | {"preset": preset}
    assert fields_of(call_of(requester).post("orders/", body, **KEY)) == {"preset"}
    assert not Order.objects.exists()
