"""The controls under /_sim/ and the first state of the world."""

import json
from typing import Any

import pytest

from simulator.scenario import BadInput, scenario_from
from simulator.server import RunningSimulator, start_in_thread
from tests.simulator.client import Client, named


def _world(sim: RunningSimulator, client: Client) -> Any:
    return client.call("GET", "/_sim/world").json


def test_same_seed_same_world_other_seed_other_world(sim: RunningSimulator, client: Client) -> None:
    views = []
    for seed in (7, 7, 8):
        other = start_in_thread(speed=0.0, seed=seed)
        try:
            data = json.loads(json.dumps(_world(other, Client(other))))
            data.pop("clock")
            views.append(data)
        finally:
            other.stop()
    assert views[0] == views[1]
    assert views[0]["servers"][0]["id"] != views[2]["servers"][0]["id"]
    assert views[0]["users"][0]["secret_key"] != views[2]["users"][0]["secret_key"]


def test_default_world_has_what_a_shop_would_have(sim: RunningSimulator, client: Client) -> None:
    world = _world(sim, client)
    names = {p["id"]: p["name"] for p in world["projects"]}
    servers = world["servers"]
    count = {name: sum(names[s["tenant_id"]] == name for s in servers) for name in names.values()}
    assert count == {"shop-prod": 24, "shop-staging": 8}
    assert [s["name"] for s in servers][:3] == ["web-prod-01", "db-prod-01", "web-prod-02"]
    assert len({s["name"] for s in servers}) == 32
    assert sum(s["locked"] for s in servers) == 1
    assert {s["status"] for s in servers} == {"ACTIVE", "SHUTOFF"}
    images = {i["id"]: i for i in world["images"]}
    assert sum(s["image"]["id"] not in images for s in servers) == 1
    assert sum(not images[s["image"]["id"]]["cloud_init"] for s in servers if s["image"]["id"] in images) == 1
    assert {i["kind"] for i in world["images"]} == {"gold", "private"}
    disks = [v for s in servers for v in s["volumes"]]
    assert any(v["cmk_id"] for v in disks) and any(v["shared"] and len(v["attached"]) == 2 for v in disks)
    assert world["snapshots"]
    assert {k["state"] for k in world["kms_keys"]} == {"2", "3", "4"}
    addresses = [a for s in servers for rows in s["addresses"].values() for a in rows]
    assert {a["OS-EXT-IPS:type"] for a in addresses} == {"fixed", "floating"}
    assert len({a["addr"] for a in addresses}) == len(addresses)


def test_cloud_json_is_ready_for_the_portal(sim: RunningSimulator, client: Client) -> None:
    data = client.call("GET", "/_sim/cloud.json?project=shop-staging").json
    assert (data["name"], data["environment"], data["profile"], data["region"]) == (
        "shop-staging",
        "simulator",
        "huawei",
        "sim-1",
    )
    assert set(data["endpoints"]) == {"iam", "ecs", "evs", "ims", "kms", "cts", "kps"}
    assert set(data["endpoints"].values()) == {sim.base_url}
    assert data["credentials"]["kind"] == "aksk" and len(data["credentials"]["access_key"]) == 20
    assert len(data["project_id"]) == 32 and data == sim.cloud_json("shop-staging")
    login = client.call("GET", "/_sim/cloud.json?project=shop-prod&kind=password").json["credentials"]
    assert set(login) == {"kind", "user", "password", "domain"}


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("GET", "/_sim/cloud.json?project=nope", None, "project must be one of shop-prod, shop-staging"),
        ("GET", "/_sim/cloud.json?kind=x", None, "kind must be aksk or password"),
        ("GET", "/_sim/ledger?after=x", None, "after must be a whole number"),
        ("POST", "/_sim/faults", b"{", "the body is not JSON"),
        ("POST", "/_sim/faults", {"do": "hang"}, "faults: a JSON list of objects is wanted"),
        (
            "POST",
            "/_sim/faults",
            [{"do": "explode"}],
            "faults[0]: do must be one of answer, drop_before_read",
        ),
        ("POST", "/_sim/faults", [{"do": "hang", "for": 3}], "faults[0]: for is not known"),
        ("POST", "/_sim/faults", [{"do": "hang", "seconds": "x"}], "faults[0]: seconds must be a number"),
        ("POST", "/_sim/faults", [{"do": "hang", "times": 0}], "faults[0]: times must be a whole number"),
        (
            "POST",
            "/_sim/faults",
            [{"do": "hang"}, {"do": "answer", "status": 9}],
            "faults[1]: status must be",
        ),
        ("POST", "/_sim/faults", [{"do": "hang", "match": {"url": "x"}}], "match takes method, path"),
        ("POST", "/_sim/faults", [{"do": "drop_after_accept", "accept": False}], "decides about accept"),
        ("POST", "/_sim/clock", {"speed": -1}, "speed must be a number from 0"),
        ("POST", "/_sim/clock", {}, "clock takes advance_s, speed and skew_s"),
        ("POST", "/_sim/clock", {"advance": 5}, "clock takes advance_s, speed and skew_s"),
        ("POST", "/_sim/server", {"server_id": "x"}, "server_id must be the id of a server"),
        ("POST", "/_sim/reinstall", {"server_id": "x"}, "reinstall takes server_id and user"),
        ("POST", "/_sim/reinstall", {"server_id": "x", "user": "y"}, "server_id must be the id of a server"),
    ],
)
def test_bad_control_input_is_answered_with_a_sentence(
    sim: RunningSimulator, client: Client, method: str, path: str, body: object, sentence: str
) -> None:
    reply = client.call(method, path, body)
    assert reply.status == 400 and sentence in reply.json["error"]
    assert client.call("GET", "/_sim/faults").json["faults"] == []


def test_unknown_control(sim: RunningSimulator, client: Client) -> None:
    reply = client.call("PUT", "/_sim/world")
    assert reply.status == 404 and "PUT /_sim/world" in reply.json["error"]


def test_faults_can_be_planted_seen_and_cleared_over_http(sim: RunningSimulator, client: Client) -> None:
    planted = [{"match": {"path": "/v1/*"}, "times": 3, "do": "answer", "status": 500}]
    assert client.call("POST", "/_sim/faults", planted).json == {"faults": 1}
    client.job("x")
    seen = client.call("GET", "/_sim/faults").json["faults"]
    assert seen == [{"do": "answer", "path": "/v1/*", "left": 2, "met": 1}]
    client.call("DELETE", "/_sim/faults")
    assert client.job("x").status == 400


def test_clock_over_http(sim: RunningSimulator, client: Client) -> None:
    before = client.call("GET", "/_sim/clock").json
    after = client.call("POST", "/_sim/clock", {"advance_s": 86_400, "speed": 3}).json
    assert after["speed"] == 3 and after["now"][:10] > before["now"][:10]


def test_reset_brings_the_first_world_back(sim: RunningSimulator, client: Client) -> None:
    first = named(sim, "app-prod-01").system_volume
    client.reinstall(named(sim, "app-prod-01").id, client.key())
    sim.advance(1200)
    assert named(sim, "app-prod-01").system_volume != first
    assert client.call("POST", "/_sim/reset").status == 200
    assert named(sim, "app-prod-01").system_volume == first
    assert sim.ledger() == {"requests": [], "accepted": []}


def test_ledger_over_http_leaves_out_what_was_seen(sim: RunningSimulator, client: Client) -> None:
    client.job("x")
    everything = client.call("GET", "/_sim/ledger").json["requests"]
    assert [r["method"] for r in everything] == ["POST", "GET"]
    assert everything[1]["path"].endswith("/jobs/x") and everything[1]["status"] == 400
    rest = client.call("GET", f"/_sim/ledger?after={everything[0]['n']}").json["requests"]
    assert rest == everything[1:]


def test_locking_from_outside(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    assert client.server(server_id)["locked"] is False
    client.call("POST", "/_sim/server", {"server_id": server_id, "locked": True})
    assert client.server(server_id)["locked"] is True
    assert client.reinstall(server_id, client.key()).code == "Ecs.0605"
    client.call("POST", "/_sim/server", {"server_id": server_id, "locked": False, "frozen": True})
    assert client.server(server_id)["metadata"]["EcmResStatus"] == "freeze"
    assert client.reinstall(server_id, client.key()).code == "Ecs.0030"


def test_renaming_from_outside(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    client.call("POST", "/_sim/server", {"server_id": server_id, "name": "app-prod-77"})
    assert client.server(server_id)["name"] == "app-prod-77"
    assert client.server(server_id)["locked"] is False


def test_somebody_reinstalls_at_the_console_over_http(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    asked = {"server_id": server_id, "user": "ana.weber"}
    job_id = client.call("POST", "/_sim/reinstall", asked).json["job_id"]
    assert client.job(job_id).json["status"] == "INIT"
    assert client.call("POST", "/_sim/reinstall", asked).json["error"] == "the server is busy"
    nobody = client.call("POST", "/_sim/reinstall", {**asked, "user": "nobody"})
    assert "user must be one of svc-reinstall, ana.weber" in nobody.json["error"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "a JSON object is wanted"),
        ({"profil": "otc"}, "profil is not known"),
        ({"profile": "aws"}, "profile must be one of huawei, otc, swiss"),
        ({"byol": 1}, "byol must be of type bool"),
        ({"servers": {"shop-prod": -1}}, "servers.shop-prod must be a whole number"),
        ({"throttle": {"everything": 1}}, "throttle takes reinstall"),
        ({"job_median_s": 0}, "job_median_s must be above 0"),
        ({"cts": "maybe"}, "cts must be on, off or refused"),
        ({"cts_late_s": -1}, "cts_late_s 0 or more"),
        ({"volume_quota": "many"}, "volume_quota must be of type a whole number or null"),
    ],
)
def test_bad_scenarios(data: object, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        scenario_from(data)


def test_scenario_may_name_the_servers() -> None:
    scenario = {"servers": {"shop-prod": 3, "lab": 1}, "names": {"shop-prod": ["web-prod-11"]}}
    sim = start_in_thread(speed=0.0, scenario=scenario)
    try:
        with sim.lock:
            names = [s.name for s in sim.world.servers.values()]
        assert names[:3] == ["web-prod-11", "web-prod-01", "db-prod-01"]
        assert sim.cloud_json("lab")["name"] == "lab" and names[-1] == "web-lab-01"
    finally:
        sim.stop()
