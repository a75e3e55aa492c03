"""A reinstall from acceptance to the day after, seen as a client sees it."""

import base64
import hashlib
import json
from typing import Any

from simulator.server import RunningSimulator, start_in_thread
from tests.simulator.client import Client, named


def _boot_volume(server: dict[str, Any]) -> str | None:
    rows = server["os-extended-volumes:volumes_attached"]
    return next((r["id"] for r in rows if r["bootIndex"] == "0"), None)


def _data_volumes(server: dict[str, Any]) -> list[str]:
    return [r["id"] for r in server["os-extended-volumes:volumes_attached"] if r["bootIndex"] != "0"]


def _watch(sim: RunningSimulator, client: Client, server_id: str, job_id: str) -> list[tuple[object, ...]]:
    """What was seen at each second until the job ended, without repetitions."""
    seen: list[tuple[object, ...]] = []
    for _ in range(1000):
        server, job = client.server(server_id), client.job(job_id).json
        now = (
            job["status"],
            server["status"],
            server["OS-EXT-STS:task_state"],
            _boot_volume(server) is not None,
            client.get("/v1/{p}/cloudservers/detail", limit="100").json["count"],
        )
        if not seen or seen[-1] != now:
            seen.append(now)
        if job["status"] in ("SUCCESS", "FAIL"):
            return seen
        sim.advance(1)
    raise AssertionError(f"the job never ended: {seen[-1]}")


def test_running_server_goes_through_every_state(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "web-prod-01").id
    job_id = client.reinstall(server_id, client.key(mode="withStopServer")).json["job_id"]
    assert _watch(sim, client, server_id, job_id) == [
        ("INIT", "ACTIVE", None, True, 24),
        ("RUNNING", "ACTIVE", "powering-off", True, 24),
        ("RUNNING", "REBUILD", "rebuilding", True, 24),
        ("RUNNING", "REBUILD", "rebuild_block_device_mapping", True, 24),
        ("RUNNING", "REBUILD", "rebuild_block_device_mapping", False, 25),
        ("RUNNING", "REBUILD", "rebuild_spawning", True, 24),
        ("SUCCESS", "ACTIVE", None, True, 24),
    ]


def test_system_disk_is_new_and_data_disks_stay(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "db-prod-01").id
    before = client.server(server_id)
    old = _boot_volume(before)
    with sim.lock:
        assert old is not None
        sim.world.snapshots["s1"] = type(next(iter(sim.world.snapshots.values())))(
            "s1", client.project_id, old, "before", 40, 0.0
        )
    assert client.get("/v2/{p}/cloudsnapshots/detail?volume_id=" + old).json["count"] >= 1
    assert client.reinstall(server_id, client.key(mode="withStopServer")).status == 200
    sim.advance(1200)
    after = client.server(server_id)
    assert _boot_volume(after) not in (old, None)
    assert _data_volumes(after) == _data_volumes(before)
    assert len(_data_volumes(after)) == 3
    assert client.get(f"/v2/{{p}}/cloudvolumes/{old}").status == 404
    assert client.get("/v2/{p}/cloudsnapshots/detail?volume_id=" + old).json["count"] == 0
    assert after["key_name"] == "KeyPair-350b"
    assert after["status"] == "ACTIVE" and after["OS-EXT-STS:power_state"] == 1
    assert after["metadata"] == before["metadata"] and after["addresses"] == before["addresses"]
    assert after["updated"] > before["updated"]
    assert after["OS-SRV-USG:launched_at"] > before["OS-SRV-USG:launched_at"]


def test_stopped_server_skips_the_stop_and_comes_up(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    assert client.server(server_id)["status"] == "SHUTOFF"
    job_id = client.reinstall(server_id, client.key()).json["job_id"]
    seen = _watch(sim, client, server_id, job_id)
    assert "powering-off" not in [row[2] for row in seen]
    assert seen[-1][:2] == ("SUCCESS", "ACTIVE")


def test_encrypted_reinstall_leaves_an_encrypted_disk(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    with sim.lock:
        key = next(k.id for k in sim.world.kms_keys.values() if k.alias == "disk-key-1")
    metadata = {"__system__encrypted": "1", "__system__cmkid": key}
    assert client.reinstall(server.id, client.key(metadata=metadata)).status == 200
    sim.advance(1200)
    volumes = client.get("/v2/{p}/cloudvolumes/detail?server_id=" + server.id).json["volumes"]
    boot = next(v for v in volumes if v["bootable"] == "true")
    assert boot["metadata"]["__system__encrypted"] == "1"
    assert boot["metadata"]["__system__cmkid"] == key


def test_job_has_the_documented_shape(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    job_id = client.reinstall(server_id, client.key()).json["job_id"]
    first = client.job(job_id).json
    assert set(first) == {"status", "entities", "job_id", "job_type", "begin_time", "end_time"}
    assert (first["end_time"], first["job_type"], first["entities"]) == ("", "reInitOs", {})
    sim.advance(1200)
    last = client.job(job_id).json
    assert (last["status"], last["error_code"], last["fail_reason"]) == ("SUCCESS", None, None)
    (sub,) = last["entities"]["sub_jobs"]
    assert sub["entities"] == {"server_id": server_id}
    assert last["begin_time"] <= sub["begin_time"] < sub["end_time"] < last["end_time"]


def test_failed_job_names_the_cause_inside_and_may_be_repeated(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    sim.faults([{"do": "fail_job", "code": "Ecs.0202", "reason": "no room for volume"}])
    job_id = client.reinstall(server_id, client.key()).json["job_id"]
    sim.advance(1200)
    job = client.job(job_id).json
    assert (job["status"], job["error_code"]) == ("FAIL", "Common.0021")
    assert job["entities"]["sub_jobs"][0]["error_code"] == "Ecs.0202"
    assert job["entities"]["sub_jobs"][0]["fail_reason"] == "no room for volume"
    server = client.server(server_id)
    assert server["status"] == "ERROR" and server["fault"]["message"] == "no room for volume"
    assert client.reinstall(server_id, client.key()).status == 200
    sim.advance(1200)
    again = client.server(server_id)
    assert again["status"] == "ACTIVE" and "fault" not in again


def test_jobs_are_forgotten_a_day_after_their_end(sim: RunningSimulator, client: Client) -> None:
    job_id = client.reinstall(named(sim, "app-prod-01").id, client.key()).json["job_id"]
    sim.advance(1200)
    sim.advance(82_000)
    assert client.job(job_id).json["status"] == "SUCCESS"
    sim.advance(4_500)
    fresh = Client(sim)
    gone = fresh.job(job_id)
    assert (gone.status, gone.code) == (400, "Common.0011")


def test_lost_job_goes_on_in_silence(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    before = server.system_volume
    sim.faults([{"do": "lose_job"}])
    job_id = client.reinstall(server.id, client.key()).json["job_id"]
    assert client.job(job_id).code == "Common.0011"
    sim.advance(1200)
    assert named(sim, "app-prod-01").system_volume != before


def test_a_cloud_gone_wrong_can_be_planned(sim: RunningSimulator, client: Client) -> None:
    kept, changed, slow = named(sim, "app-prod-01"), named(sim, "web-prod-04"), named(sim, "app-prod-04")
    disk, data = kept.system_volume, list(changed.data_volumes)
    sim.faults(
        [
            {"do": "keep_disk", "match": {"server_id": kept.id}},
            {"do": "change_data_disk", "match": {"server_id": changed.id}},
            {"do": "slow_job", "factor": 50, "start_after_s": 600, "match": {"server_id": slow.id}},
        ]
    )
    jobs = [client.reinstall(s.id, client.key()).json["job_id"] for s in (kept, changed, slow)]
    sim.advance(550)
    assert client.job(jobs[2]).json["status"] == "INIT"
    sim.advance(650)
    assert [client.job(j).json["status"] for j in jobs] == ["SUCCESS", "SUCCESS", "RUNNING"]
    assert kept.system_volume == disk
    assert changed.data_volumes != data and len(changed.data_volumes) == len(data)


def test_other_operations_are_refused_meanwhile(sim: RunningSimulator, client: Client) -> None:
    server_id = named(sim, "app-prod-01").id
    client.reinstall(server_id, client.key())
    second = client.reinstall(server_id, client.key())
    assert (second.status, second.code) == (501, "Ecs.0603")
    start = client.call("POST", "/v1/{p}/cloudservers/action", {"os-start": {"servers": [{"id": server_id}]}})
    assert (start.status, start.code) == (400, "Ecs.0611")
    assert start.json["internalError"][0]["error_code"] == "Ecs.0603"
    assert len(sim.accepted()) == 1


def test_ledger_keeps_the_bytes_that_were_accepted(sim: RunningSimulator, client: Client) -> None:
    script = base64.b64encode("#!/bin/sh\necho grüß\n".encode()).decode()
    raw = json.dumps({"os-reinstall": client.key(metadata={"user_data": script})}, indent=1).encode()
    server = named(sim, "app-prod-01")
    job_id = client.reinstall(server.id, raw).json["job_id"]
    (row,) = sim.accepted()
    assert row["body_raw"].encode() == raw and row["body"] == json.loads(raw)
    assert row["body_sha256"] == hashlib.sha256(raw).hexdigest()
    assert (row["user_data_base64"], row["job_id"], row["server_id"]) == (script, job_id, server.id)
    assert row["user_id"] == client.user_id and row["project_id"] == client.project_id
    request = next(r for r in sim.ledger()["requests"] if r["n"] == row["n"])
    assert (request["status"], request["user"], request["fault"]) == (200, "svc-reinstall", None)


def test_trace_service_tells_of_the_call_and_later_of_its_end(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    job_id = client.reinstall(server.id, client.key(metadata={"user_data": "c2VjcmV0"})).json["job_id"]
    path = f"/v3/{{p}}/traces?service_type=ECS&resource_id={server.id}&trace_name=reinstallOsV2&limit=50"
    assert client.get(path).json["traces"] == []
    sim.advance(30)
    (call,) = client.get(path).json["traces"]
    assert json.loads(call["response"]) == {"job_id": job_id}
    assert json.loads(call["user"])["name"] == "svc-reinstall"
    assert "c2VjcmV0" not in call["request"]
    sim.advance(1200)
    end, call = client.get(path).json["traces"]
    assert json.loads(end["response"])["status"] == "SUCCESS"
    assert json.loads(end["response"])["job_id"] == job_id
    sim.advance(8 * 86_400)
    assert Client(sim).get(path).json["traces"] == []


def test_server_deleted_in_the_middle_fails_the_job(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    job_id = client.reinstall(server.id, client.key()).json["job_id"]
    gone = client.call("POST", "/_sim/server", {"server_id": server.id, "delete": True})
    assert gone.status == 200
    sim.advance(1200)
    assert client.job(job_id).json["status"] == "FAIL"
    assert client.get(f"/v1/{{p}}/cloudservers/{server.id}").code == "Ecs.0114"


def test_power_actions(sim: RunningSimulator, client: Client) -> None:
    one, two = named(sim, "web-prod-01"), named(sim, "web-prod-02")
    body = {"os-stop": {"type": "SOFT", "servers": [{"id": one.id}, {"id": two.id}]}}
    job_id = client.call("POST", "/v1/{p}/cloudservers/action", body).json["job_id"]
    sim.advance(2)
    assert client.server(one.id)["OS-EXT-STS:task_state"] == "powering-off"
    sim.advance(60)
    job = client.job(job_id).json
    assert job["status"] == "SUCCESS" and job["entities"]["sub_jobs_total"] == 2
    assert {client.server(s.id)["status"] for s in (one, two)} == {"SHUTOFF"}
    client.call("POST", "/v1/{p}/cloudservers/action", {"os-start": {"servers": [{"id": one.id}]}})
    sim.advance(120)
    assert client.server(one.id)["status"] == "ACTIVE"
    actions = client.get(f"/v2.1/{{p}}/servers/{one.id}/os-instance-actions").json["instanceActions"]
    assert [a["action"] for a in actions] == ["start", "stop"]


def test_a_fast_clock_needs_nobody_to_push_it() -> None:
    sim = start_in_thread(speed=2000.0, seed=3)
    try:
        client = Client(sim)
        job_id = client.reinstall(named(sim, "app-prod-01").id, client.key()).json["job_id"]
        for _ in range(2000):
            if client.job(job_id).json["status"] == "SUCCESS":
                return
        raise AssertionError("no end in sight")
    finally:
        sim.stop()


def _traces(client: Client, server_id: str) -> list[dict[str, Any]]:
    found = client.get(f"/v3/{{p}}/traces?service_type=ECS&resource_id={server_id}&limit=50").json["traces"]
    assert isinstance(found, list)
    return found


def test_a_refused_call_leaves_a_record_with_its_code(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    with sim.lock:
        server.locked = True
    assert client.reinstall(server.id, client.key()).status == 400
    sim.advance(30)
    (refused,) = _traces(client, server.id)
    assert (refused["code"], refused["trace_rating"]) == ("400", "warning")
    assert json.loads(refused["response"])["error"]["code"] == "Ecs.0605"


def test_the_trace_service_can_be_off_refused_late_and_say_things_twice(
    sim: RunningSimulator, client: Client
) -> None:
    scenario = sim.world.scenario
    first, second = (named(sim, f"app-prod-0{n}").id for n in (1, 2))
    scenario.cts = "off"
    assert client.reinstall(first, client.key(mode="withStopServer")).status == 200
    sim.advance(300)
    assert _traces(client, first) == []
    scenario.cts, scenario.cts_late_s, scenario.cts_duplicates = "on", 1200.0, True
    assert client.reinstall(second, client.key(mode="withStopServer")).status == 200
    sim.advance(600)
    assert _traces(client, second) == []
    sim.advance(700)
    rows = _traces(client, second)
    assert [row["trace_id"] for row in rows[::2]] == [row["trace_id"] for row in rows[1::2]] != []
    scenario.cts = "refused"
    assert client.get("/v3/{p}/traces").status == 403


def test_somebody_else_reinstalls_at_the_console(sim: RunningSimulator, client: Client) -> None:
    server = named(sim, "app-prod-01")
    job_id = sim.console_reinstall(server.id)
    sim.advance(30)
    (seen,) = _traces(client, server.id)
    assert json.loads(seen["user"])["name"] == "ana.weber"
    assert json.loads(seen["response"]) == {"job_id": job_id}
    assert sim.accepted() == []
    refused = client.reinstall(server.id, client.key())
    assert (refused.status, refused.json["error"]["code"]) == (501, "Ecs.0603")
